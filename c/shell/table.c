/* table.c - every command of the shell and the configuration file, in alphabetical order.
 * SPDX-License-Identifier: MIT */
#include "commands.h"

const struct cmd commands[] = {
        {"arp", "[ADDRESS MAC]", "show the ARP table, or make a permanent entry", cmd_arp, no_arp, show_arp, CMD_CONF},
        {"cat", "FILE", "print a file of the volume", cmd_cat, NULL, NULL, 0},
        {"date", "[YYYY-MM-DD hh:mm:ss]", "show or set the clock (UTC)", cmd_date, NULL, NULL, 0},
        {"dhcp", "[IF [renew|release]]", "show what the DHCP client has, ask again, or give it back", cmd_dhcp, NULL, NULL, 0},
        {"dmesg", "", "print the log", cmd_dmesg, NULL, NULL, 0},
        {"halt", "", "power off", cmd_halt, NULL, NULL, CMD_TYPED},
        {"help", "[COMMAND]", "list the commands, or explain one", cmd_help, NULL, NULL, 0},
        {"host", "NAME|ADDRESS", "look a name or an address up in the DNS", cmd_host, NULL, NULL, CMD_TYPED},
        {"hostname", "NAME", "the name of this machine", cmd_hostname, no_hostname, show_hostname, CMD_CONF},
        {"ifconfig", "[IF [ADDRESS/PLEN|dhcp|link-local|vlan N|up|down]]", "show interfaces, or set one as `interface` does",
         cmd_ifconfig, no_ifconfig, NULL, 0},
        {"interface", "IF dhcp|address ADDRESS/PLEN|link-local|vlan N|up|down", "give an interface its addresses, tag and state",
         cmd_interface, no_interface, show_interface, CMD_CONF},
        {"listen", "http PORT [address ADDRESS] | echo PORT | discard PORT", "start a service on a TCP port (echo, discard: UDP too)",
         cmd_listen, no_listen, show_listen, CMD_CONF},
        {"ls", "[FILE]", "list a folder of the volume", cmd_ls, NULL, NULL, 0},
        {"mem", "", "show memory and the packet pool", cmd_mem, NULL, NULL, 0},
        {"more", "FILE", "print a file page by page", cmd_more, NULL, NULL, CMD_TYPED},
        {"nameserver", "ADDRESS", "a DNS server to ask, before those learnt by DHCP", cmd_nameserver, no_nameserver, show_nameserver, CMD_CONF},
        {"netdump", "[IF] [host ADDRESS] [port N] [proto arp|icmp|igmp|tcp|udp|N] [count N]", "print packets, one line each, until Ctrl-C",
         cmd_netdump, NULL, NULL, CMD_TYPED},
        {"netstat", "[-s|-i|-r]", "show connections; -s drops and statistics, -i interfaces, -r routes", cmd_netstat, NULL, NULL, 0},
        {"panic", "halt | reboot [SECONDS]", "what to do after a panic", cmd_panic, no_panic, show_panic, CMD_CONF},
        {"ping", "HOST [count N] [size BYTES]", "send echo requests until Ctrl-C", cmd_ping, NULL, NULL, CMD_TYPED},
        {"ps", "", "show the threads", cmd_ps, NULL, NULL, 0},
        {"reboot", "", "start again", cmd_reboot, NULL, NULL, CMD_TYPED},
        {"route", "[default|NET/PLEN via ADDRESS]", "show the routes, or add one", cmd_route, no_route, show_route, CMD_CONF},
        {"save", "", "print what would be written to qure.conf (there is no storage to keep it yet)", cmd_save, NULL, NULL, 0},
        {"show", "config", "print the present settings as configuration lines", cmd_show, NULL, NULL, 0},
        {"site", "default|NAME FILE", "serve a folder of the volume for a host name, or for all others", cmd_site, no_site, show_site, CMD_CONF},
        {"traceroute", "HOST", "show the routers on the way", cmd_traceroute, NULL, NULL, CMD_TYPED},
        {"uptime", "", "show the time since start", cmd_uptime, NULL, NULL, 0},
};
const u32 n_commands = COUNT_OF(commands);
