/* drop.h - every reason for which bytes from the wire, or our own packets, are thrown away.
 * One list gives the enum, the counters and the names that `netstat -s` shows (RFC clause or cause
 * at the right). Add a line where you add a drop; never share one reason between two places.
 * SPDX-License-Identifier: MIT */
#ifndef DROP_H
#define DROP_H

#include "types.h"

#define DROPS(X) \
        X(ETH_SHORT,       "frame shorter than its headers") \
        X(ETH_NOT_OURS,    "destination MAC is neither ours nor a group we joined") \
        X(ETH_SOURCE_GROUP,"source MAC is a group address") \
        X(ETH_TYPE,        "no handler for this ethertype") \
        X(ETH_VLAN,        "802.1Q tag of a VLAN that is not configured") \
        X(ETH_UNTAGGED,     "untagged frame on an interface with a VLAN") \
        X(ETH_SHORT_TAG,    "frame shorter than its 802.1Q tag") \
        X(NIF_DOWN,        "interface is down") \
        X(NIF_TX_FULL,     "transmit ring full") \
        X(NIF_TX_TOO_BIG,  "frame larger than the device can send") \
        X(NIF_TX_ROOM,     "library: packet longer than the buffer given for it") \
        X(POOL_EMPTY,      "no free packet buffer") \
        X(ARP_SHORT,       "ARP packet too short") \
        X(ARP_FORMAT,      "ARP hardware, protocol or operation unknown") \
        X(ARP_SENDER,       "ARP sender address impossible (group, broadcast, loopback)") \
        X(ARP_OWN,          "our own ARP packet came back") \
        X(ARP_CONFLICT,     "somebody else claims an address of ours (RFC 5227)") \
        X(ARP_SILENT,       "ARP about an address that we keep silent") \
        X(ARP_UNASKED,      "ARP reply that nobody waited for") \
        X(ARP_UNARP,        "UNARP consumed or not believed (RFC 1868)") \
        X(ARP_NOT_OURS,    "ARP for somebody else") \
        X(ARP_DONE,        "ARP packet consumed (not a fault)") \
        X(ARP_SOLICITED,    "ARP reply that we asked for consumed (not a fault)") \
        X(ARP_FULL,        "ARP table full of entries in use") \
        X(ARP_QUEUE,       "packet displaced while its ARP entry resolves") \
        X(ARP_TIMEOUT,     "next hop did not answer ARP") \
        X(ARP_FLUSHED,      "waiting packet of an ARP entry that was removed") \
        X(IP_SHORT,        "shorter than an IPv4 header") \
        X(IP_LENGTH,        "IPv4 total length below the header length") \
        X(IP_TRUNCATED,     "shorter than its IPv4 total length") \
        X(IP_VERSION,      "not IPv4") \
        X(IP_HLEN,         "header length below 20 or beyond the packet") \
        X(IP_CKSUM,        "IPv4 header checksum wrong") \
        X(IP_NOT_OURS,     "destination is not this interface's address") \
        X(IP_OTHER_NIF,     "destination is an address of another interface of ours") \
        X(IP_GROUP,         "multicast group that nobody joined here") \
        X(IP_LINK_BCAST,    "unicast IP in a link broadcast (RFC 1122 3.3.6)") \
        X(IP_LAND,          "source is one of our own addresses") \
        X(IP_SOURCE,       "source is not a possible sender") \
        X(IP_SOURCE_ANY,   "source 0.0.0.0 in traffic that needs a name") \
        X(IP_UNROUTED,     "no route back to the source") \
        X(IP_OPTIONS,      "IP options malformed or source routed") \
        X(IP_SOURCE_ROUTE,  "source routed (RFC 1122 3.2.1.8)") \
        X(IP_PROTO,        "no handler for this protocol") \
        X(IP_FRAG_BAD,     "fragment malformed (size, offset, overlap)") \
        X(IP_FRAG_TINY,     "first fragment too small for its transport header (RFC 1858)") \
        X(IP_FRAG_DUP,      "the same fragment again") \
        X(IP_FRAG_OVERLAP,  "overlapping fragments, whole datagram dropped (RFC 5722)") \
        X(IP_FRAG_EVICTED,  "reassembly given up for a newer one") \
        X(IP_FRAG_END,     "fragment contradicts the end of its datagram") \
        X(IP_FRAG_FULL,    "no room for reassembly") \
        X(IP_FRAG_TIMEOUT, "reassembly timed out") \
        X(IP_NO_ROUTE,     "no route to destination") \
        X(IP_DF,           "does not fit the MTU and may not be fragmented") \
        X(IP_CUT_FULL,      "no buffers left to fragment into") \
        X(IP_CUT_JOINED,   "no buffers to cut what a device joined") \
        X(FWD_LINK_BCAST,  "forwarding: came as link broadcast (RFC 1812 5.3.4)") \
        X(FWD_MARTIAN,     "forwarding: source or destination that never passes a router (RFC 1812 5.3.7)") \
        X(FWD_TTL,         "forwarding: no hop left; its sender is told") \
        X(FWD_NO_ROUTE,    "forwarding: no route; its sender is told") \
        X(FWD_BROADCAST,   "forwarding: broadcast of a network of ours (RFC 2644)") \
        X(FWD_TOO_BIG,     "forwarding: does not fit and may not be cut; its sender is told") \
        X(IP_TOO_LONG,      "longer than an IPv4 datagram can be") \
        X(IP_LOOP_FULL,     "too much waits for delivery to ourselves") \
        X(ICMP_SHORT,      "ICMP message too short") \
        X(ICMP_CKSUM,      "ICMP checksum wrong") \
        X(ICMP_TYPE,       "ICMP type not handled") \
        X(ICMP_QUOTE,       "ICMP error that quotes nothing of ours") \
        X(ICMP_REDIRECT,    "ICMP redirect ignored") \
        X(ICMP_QUENCH,      "ICMP source quench ignored (RFC 6633)") \
        X(ICMP_GROUP_ECHO,  "echo request to a group not answered") \
        X(ICMP_RATE,       "ICMP message withheld by rate limit") \
        X(ICMP_DONE,       "ICMP message consumed (not a fault)") \
        X(ICMP_ERROR_DONE, "ICMP error consumed (not a fault)") \
        X(IGMP_BAD,        "IGMP message malformed") \
        X(IGMP_TTL,         "IGMP message from beyond the link") \
        X(IGMP_TYPE,        "IGMP type not handled") \
        X(IGMP_DONE,       "IGMP message consumed (not a fault)") \
        X(UDP_SHORT,       "UDP datagram too short or length wrong") \
        X(UDP_CKSUM,       "UDP checksum wrong") \
        X(UDP_TOO_LONG,    "longer than a UDP datagram can be") \
        X(UDP_NO_ROUTE,    "no route for our datagram") \
        X(UDP_PORT,        "no UDP socket on this port") \
        X(DHCP_BAD,        "DHCP message malformed or not for us") \
        X(DHCP_OPTION,      "DHCP options malformed") \
        X(DHCP_UNASKED,    "DHCP message for an interface without a client, or not from a server") \
        X(DHCP_OFFER,      "DHCP offer without a usable address or server") \
        X(DHCP_ACK,        "DHCP acknowledgement without lease, or of another address") \
        X(DHCP_STATE_ACK,  "DHCP acknowledgement not expected now") \
        X(DHCP_TYPE,       "DHCP message type not expected") \
        X(DHCP_STATE,       "DHCP offer not expected now") \
        X(DHCP_DONE,        "DHCP message consumed (not a fault)") \
        X(DNS_UNASKED,     "DNS message that answers no question of ours") \
        X(DNS_BAD,         "DNS answer malformed") \
        X(DNS_TRUNCATED,   "DNS answer truncated") \
        X(DNS_SERVER,      "DNS server reports a failure") \
        X(DNS_DONE,         "DNS answer consumed (not a fault)") \
        X(HANDOFF_KEPT,    "handoff: too much kept of a client between 51 and 52") \
        X(HANDOFF_52,      "handoff: node's answer taken (not a fault)") \
        X(HANDOFF_FORGED_52, "handoff: node's answer without a right authenticator") \
        X(HANDOFF_FORGED_51, "handoff: 51 without a right authenticator") \
        X(HANDOFF_FORGED_53, "handoff: text or 53 without a right authenticator") \
        X(HANDOFF_FORGED_NOTICE, "handoff: notice without a right authenticator") \
        X(HANDOFF_STRANGER, "handoff: from no node of the cluster") \
        X(HANDOFF_BLOCK,   "handoff: control block not understood, refused") \
        X(HANDOFF_51_AGAIN, "handoff: 51 again, answered again") \
        X(HANDOFF_AGAIN,   "handoff: late copy of a 51 that was taken") \
        X(HANDOFF_REFUSED, "handoff: refused with a reason") \
        X(HANDOFF_ORDER,   "handoff: text that is not next") \
        X(HANDOFF_53,      "handoff: 53 taken (not a fault)") \
        X(HANDOFF_STRAY,   "handoff: control segment out of place") \
        X(HANDOFF_EARLY,   "handoff: too much kept of a client between 52 and 53, or 53 never came") \
        X(HANDOFF_DOUBT,   "handoff: client's packet of a connection whose 53 never came back") \
        X(HANDOFF_WITHDRAWN, "handoff: the other side went elsewhere (not a fault)") \
        X(HANDOFF_OVER,    "handoff: packet for a connection that is over here, its front was told") \
        X(HANDOFF_UNKNOWN, "handoff: packet to a silent address for no connection here") \
        X(HANDOFF_TTL,     "handoff: packet to be forwarded has no hop left") \
        X(HANDOFF_ROUTE,   "handoff: no route to the node, or no address of ours towards it") \
        X(HANDOFF_TOO_BIG, "handoff: packet that does not fit the way to its node; its sender is told") \
        X(HANDOFF_NARROW,  "handoff: ICMP about a control segment, the way's MTU was learnt (not a fault)") \
        X(HANDOFF_QUOTE,   "handoff: ICMP about a connection between 51 and 52") \
        X(THROUGH_SHORT,   "transparent proxy: TCP shorter than its header") \
        X(THROUGH_KEPT,    "transparent proxy: too much of a client while his target is asked") \
        X(THROUGH_OVER,    "transparent proxy: kept of a client whose target was not reached") \
        X(THROUGH_EARLY,   "transparent proxy: target's data before it had all that the client said; it says it again") \
        X(THROUGH_ICMP,    "transparent proxy: ICMP about a connection held here taken (not a fault)") \
        X(IPIP_STRANGER,   "IP in IP: from no node of the cluster") \
        X(IPIP_OUTER,      "IP in IP: not to this node's own address") \
        X(IPIP_HEADER,     "IP in IP: inner header malformed, or its length is not the outer one's") \
        X(IPIP_FRAGMENT,   "IP in IP: a fragment inside") \
        X(IPIP_ADDRESS,    "IP in IP: not for a service address kept silently here") \
        X(IPIP_SOURCE,     "IP in IP: inner source is not a possible client") \
        X(IPIP_TTL,        "IP in IP: inner datagram has no hop left (RFC 2003 3.1)") \
        X(IPIP_NESTED,     "IP in IP: another tunnel inside") \
        X(IPIP_PROTO,      "IP in IP: neither TCP nor an ICMP error inside") \
        X(IPIP_ECN,        "IP in IP: congestion marked on what cannot carry it (RFC 6040 4.2)") \
        X(IPIP_ERROR,      "IP in IP: ICMP about a tunnel of ours taken (not a fault)") \
        X(IPIP_ERROR_STRAY, "IP in IP: ICMP about no tunnel or no flow of ours") \
        X(HANDOFF_NOTICE,  "handoff: notice taken (not a fault)") \
        X(HANDOFF_NOTICE_LENGTH, "handoff: notice of the wrong length") \
        X(TCP_SHORT,       "TCP header short or data offset wrong") \
        X(TCP_CKSUM,       "TCP checksum wrong") \
        X(TCP_GROUP,       "TCP to a broadcast or multicast address (MUST-57)") \
        X(TCP_PORT,        "no connection and no listener: answered by RST") \
        X(TCP_STRAY_RST,   "RST without a connection") \
        X(TCP_BACKLOG,     "accept queue full") \
        X(TCP_COOKIE,      "ACK with an invalid SYN cookie") \
        X(TCP_WINDOW,      "segment outside the window") \
        X(TCP_PAWS,        "timestamp too old (RFC 7323 5)") \
        X(TCP_NO_TS,       "no timestamp, though both sides agreed on it (RFC 7323 3.2)") \
        X(TCP_RST_BAD,     "RST not at RCV.NXT (RFC 5961 3)") \
        X(TCP_SYN_BAD,     "SYN inside a connection (RFC 5961 4)") \
        X(TCP_ACK_BAD,     "acknowledges what was never sent") \
        X(TCP_NO_ACK,      "segment without ACK in a synchronised state") \
        X(TCP_OOO_FULL,    "no room to queue out-of-order data") \
        X(TCP_RCV_POOL,    "data not taken: the last buffers are for acknowledgements") \
        X(TCP_CLOSED,      "data after the application closed") \
        X(TCP_DUP,         "segment carried nothing new") \
        X(TCP_RST_WINDOW,   "RST outside the window") \
        X(TCP_RST,          "RST taken: connection reset (not a fault)") \
        X(TCP_ACK_SYN,      "acknowledgement of anything but our SYN in SYN_RECEIVED") \
        X(TCP_OVER,         "connection ended by this segment's acknowledgement (not a fault)") \
        X(TCP_OVER_URG,     "connection ended while urgent data was told") \
        X(TCP_NOTHING_NEW,  "no text left after cutting to the window") \
        X(TCP_AFTER_FIN,    "text in a state that takes none") \
        X(TCP_OOO_EVICTED,  "out-of-order data given up for nearer data") \
        X(TCP_OOO_DUP,      "out-of-order data that is queued already") \
        X(TCP_OOO_COVERED,  "out-of-order data covered by a longer segment") \
        X(TCP_OOO_OLD,      "out-of-order data that came in order meanwhile") \
        X(TCP_SYN_SENT_ACK, "acknowledges anything but our SYN in SYN_SENT") \
        X(TCP_OVER_OPEN,    "connection ended while its opening was told") \
        X(TCP_RST_NO_ACK,   "RST without ACK in SYN_SENT") \
        X(TCP_REFUSED,      "RST to our SYN (not a fault)") \
        X(TCP_NO_SYN,       "neither SYN nor RST in SYN_SENT") \
        X(TCP_SIMULTANEOUS, "SYN of a simultaneous open taken (not a fault)") \
        X(TCP_TIMEWAIT_RST, "RST in TIME_WAIT (RFC 1337)") \
        X(TCP_TIMEWAIT,     "answered from TIME_WAIT") \
        X(TCP_LISTEN_RST,   "RST in LISTEN") \
        X(TCP_LISTEN_ACK,   "ACK in LISTEN: answered by RST") \
        X(TCP_LISTEN_OTHER, "neither SYN nor ACK in LISTEN") \
        X(TCP_SYN_COOKIE,   "SYN answered by a cookie") \
        X(TCP_SYN_TAKEN,    "SYN taken: half open (not a fault)") \
        X(TCP_HALF_ACK,     "half open: acknowledges anything but our SYN") \
        X(TCP_SYN_AGAIN,    "half open: SYN again, SYN,ACK again") \
        X(TCP_HALF_PAWS,    "half open: timestamp too old") \
        X(TCP_HALF_RST_WINDOW, "half open: RST outside the window") \
        X(TCP_HALF_WINDOW,  "half open: outside the window") \
        X(TCP_HALF_RST,     "half open: reset by the peer") \
        X(TCP_HALF_RST_BAD, "half open: RST not at RCV.NXT") \
        X(TCP_HALF_SYN,     "half open: another SYN") \
        X(TCP_HALF_NO_ACK,  "half open: segment without ACK") \
        X(TCP_BACKLOG_ACK,  "handshake complete, but the accept queue is full") \
        X(TCP_NOT_ACCEPTED, "refused by the listener's user") \
        X(TCP_TFO_EMPTY,    "Fast Open SYN without usable data") \
        X(TCP_CONV_CROSSED, "two SYNs with data crossed: the plain retry follows") \
        X(TCP_CONV_SYN_AGAIN,"first SYN of a conversation again: answered again") \
        X(TCP_CONV_EMPTY,   "early request without usable data") \
        X(TCP_CONV_SPEAKS_FIRST,"SYN taken by a server that speaks first (not a fault)") \
        X(TCP_CONV_RATE,    "SYN of an unproven address beyond the rate of answers") \
        X(TCP_REOPEN_EARLY, "direction opened again before its last message was read") \
        X(SOCK_PEER,       "datagram from another than the connected peer") \
        X(SOCK_FULL,       "datagram for a socket whose queue is full") \
        X(TCP_NO_TCB,      "no free connection slot")

enum drop {
#define X(name, text) DROP_##name,
        DROPS(X)
#undef X
        DROP_N
};

/* Name of a reason ("IP_CKSUM") and its explanation, written into text, which is returned; why < DROP_N. */
enum { DROP_TEXT_MAX = 96 };
const char *drop_name(enum drop why, char text[DROP_TEXT_MAX]);
const char *drop_text(enum drop why, char text[DROP_TEXT_MAX]);
/* Some reasons only say where a packet ended; their explanation ends in "(not a fault)". */
bool drop_is_fault(enum drop why);

#endif
