# handoff-demo.mk - three kernels on a bridge and Linux as the client: two requests on one connection, who answered whom. As root.
.PHONY: handoff-demo
handoff-demo: image
	python3 hosttest/e2e/handoff.py demo
