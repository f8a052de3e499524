#!/usr/bin/env python3
"""run.py [NAME] - checks the models of this folder with spin and prints TAP lines (only rows whose name contains NAME).

A row is a model, the variant (-D flags), and whether it must hold. Rows that must fail break the protocol on purpose:
if one of them passes, the model no longer sees anything. A failing row that should hold prints the conversation."""
import os, re, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MORE = '-DLOSSES=3 -DDUPS=2 -DEARLY=2'
LESS = '-DLOSSES=1 -DDUPS=1 -DEARLY=1'
ROWS = [  # name, model, claim, flags, holds
    ('client_and_server', 'connection', 'whole', MORE, True),
    ('client_and_server', 'connection', 'ends', MORE, True),
    ('server_closes_first', 'connection', 'whole', MORE + ' -DSERVER_FIRST', True),
    ('server_closes_first', 'connection', 'ends', MORE + ' -DSERVER_FIRST', True),
    ('simultaneous_open', 'connection', 'whole', '-DBOTH_ACTIVE', True),
    ('simultaneous_open', 'connection', 'ends', '-DBOTH_ACTIVE', True),
    ('one_side_loses_its_state', 'connection', 'ends', '-DCRASH -DSERVER_FIRST', True),
    ('one_side_falls_silent', 'connection', 'ends', '-DDEAD -DSERVER_FIRST', True),
    ('old_duplicate_syn', 'connection', 'whole', '-DOLD_SYN', True),
    ('old_duplicate_syn', 'connection', 'ends', '-DOLD_SYN', True),
    ('without_time_wait', 'connection', 'whole', '-DNO_TIME_WAIT', False),
    ('without_fin_retransmission', 'connection', 'whole', '-DNO_FIN_TIMER', False),
    ('without_synack_timer', 'connection', 'ends', '-DNO_SYNACK_TIMER -DSERVER_FIRST -DNO_KEEPALIVE', False),
    ('rst_for_another_syn', 'connection', 'whole', '-DRST_ON_SYN -DOLD_SYN', False),
    ('silent_when_closed_and_patient', 'connection', 'ends', '-DCRASH -DNO_RST -DNO_R2', False),
    ('no_keepalive_beside_a_crash', 'connection', 'ends', '-DCRASH -DSERVER_FIRST -DNO_KEEPALIVE', False),
    ('no_limit_beside_silence', 'connection', 'ends', '-DDEAD -DSERVER_FIRST -DNO_R2', False),
    ('synack_answers_synack', 'connection', 'ends', '-DBOTH_ACTIVE -DSYNACK_WAR', False),
    ('channels_open_and_close_alone', 'channels', 'ends', LESS + ' -DLIVES0=1', True),
    ('channels_open_again', 'channels', 'ends', '-DLOSSES=1 -DDUPS=1 -DEARLY=0', True),
    ('channels_one_way', 'channels', 'ends', MORE + ' -DONE_WAY', True),
    ('channels_open_late', 'channels', 'ends', LESS + ' -DLATE -DLIVES0=1', True),
    ('reopening_syn_at_any_number', 'channels', 'ends', '-DANY_SYN', False),
    ('reopening_forgets_the_other_direction', 'channels', 'ends', '-DCLEAR_BOTH', False),
    ('channels_without_a_timer', 'channels', 'ends', '-DNO_TIMER', False),
    ('old_request_not_acknowledged_again', 'channels', 'ends', '-DNO_ACK_OF_OLD', False),
    ('handoff_one_speaker', 'handoff', 'one', '', True),
    ('handoff_ends', 'handoff', 'ends', '', True),
    ('handoff_in_two_packets', 'handoff', 'one', '-DTWO_PACKETS', False),
    ('handoff_elsewhere_after_53', 'handoff', 'one', '-DELSEWHERE_AFTER_53', False),
    ('handoff_answer_of_a_node_given_up', 'handoff', 'one', '-DANY_52', False),
    ('handoff_without_gone', 'handoff', 'ends', '-DNO_GONE', False),
    ('back_one_speaker', 'back', 'one', '', True),
    ('back_no_loop', 'back', 'noloop', '', True),
    ('back_ends', 'back', 'ends', '', True),
    ('back_53_for_any_answer', 'back', 'one', '-DANY_FRESH', False),
    ('back_forwarded_again_unasked', 'back', 'noloop', '-DFORWARD_AGAIN', False),
    ('back_taken_while_in_doubt', 'back', 'noloop', '-DDOUBT_OPEN', False),
    ('back_without_probe', 'back', 'ends', '-DNO_PROBE', False),
]

def run(cmd, cwd, limit=120):
    return subprocess.run(cmd, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit).stdout

def build(model, flags, dir):
    """The verifier of a variant, made once for all of its claims; None or what went wrong."""
    if os.path.exists(os.path.join(dir, 'pan')):
        return None
    os.makedirs(dir)
    out = run(['spin', '-a'] + flags.split() + [os.path.join(HERE, model + '.pml')], dir)
    if os.path.exists(os.path.join(dir, 'pan.c')):
        out += run(['gcc', '-O1', '-w', '-DVECTORSZ=512', '-DMEMLIM=1500', '-o', 'pan', 'pan.c'], dir)
    return None if os.path.exists(os.path.join(dir, 'pan')) else out

def check(model, claim, flags, dir):
    """(errors found or None, states, what to show when that is not as expected)"""
    wrong = build(model, flags, dir)
    if wrong:
        return None, 0, wrong
    out = run(['./pan', '-a', '-m100000', '-N', claim], dir)
    errors, states = re.search(r'errors: (\d+)', out), re.search(r'^\s*(\d+) states, stored', out, re.M)
    if not errors or not states or 'max search depth too small' in out or 'out of memory' in out:
        return None, 0, out
    if errors.group(1) == '0':
        return 0, int(states.group(1)), ''
    return int(errors.group(1)), 0, run(['spin', '-t', '-k', model + '.pml.trail'] + flags.split() + [os.path.join(HERE, model + '.pml')], dir)

def main():
    with tempfile.TemporaryDirectory() as dir:
        return rows(dir)

def rows(dir):
    bad = n = 0
    for name, model, claim, flags, holds in ROWS:
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        n += 1
        errors, states, text = check(model, claim, flags, os.path.join(dir, model + flags.replace(' ', '')))
        good = errors is not None and (errors == 0) == holds
        bad += not good
        verdict = f'{states} states' if holds else 'refuted, as it must be'
        print(f'{"ok" if good else "not ok"} {n} - {name} {claim} ({verdict if good else "errors: " + str(errors)})', flush=True)
        if not good:
            print('\n'.join('# ' + l for l in text.splitlines()[-60:]))
    print(f'1..{n}')
    return bad != 0

sys.exit(main())
