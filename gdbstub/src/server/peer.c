/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/peer.c - whose the other end of a loopback connection is.
 *
 * A port has no owner: any user of the machine can connect to it.  The kernel lists every TCP
 * socket with its user (proc(5), /proc/net/tcp), the client's among them, as both ends of a
 * loopback connection are in one network namespace.
 */
#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An address as the kernel prints it: words of memory in hex, the port as a number. */
struct end {
    uint32_t word[4];
    unsigned words, port;
};

static bool is_loopback(const struct end *end)
{
    static const uint8_t one[16] = {[15] = 1}, mapped[12] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *bytes = (const uint8_t *)end->word;

    if (end->words == 1)
        return bytes[0] == 127;
    return !memcmp(bytes, one, 16) || (!memcmp(bytes, mapped, 12) && bytes[12] == 127);
}

static bool get_end(int fd, int (*get)(int, struct sockaddr *, socklen_t *), struct end *end)
{
    struct sockaddr_in6 a6 = {0};
    struct sockaddr_in a4;
    socklen_t size = sizeof(a6);

    if (get(fd, (struct sockaddr *)&a6, &size))
        return false;
    memset(end, 0, sizeof(*end));
    if (a6.sin6_family == AF_INET) {
        memcpy(&a4, &a6, sizeof(a4));
        end->words = 1;
        end->port = ntohs(a4.sin_port);
        memcpy(end->word, &a4.sin_addr, sizeof(a4.sin_addr));
    } else {
        end->words = 4;
        end->port = ntohs(a6.sin6_port);
        memcpy(end->word, &a6.sin6_addr, sizeof(a6.sin6_addr));
    }
    return true;
}

/* The same IPv4 address as a socket of the other family has it. */
static void map_to_v6(struct end *end)
{
    if (end->words != 1)
        return;
    end->word[3] = end->word[0];
    end->word[0] = end->word[1] = 0;
    end->word[2] = htonl(0xffff);
    end->words = 4;
}

static int print_end(char *text, size_t room, const struct end *end)
{
    int n = 0;

    for (unsigned i = 0; i < end->words; i++)
        n += snprintf(text + n, room - (size_t)n, "%08X", (unsigned)end->word[i]);
    return n + snprintf(text + n, room - (size_t)n, ":%04X", end->port);
}

/* NO_LIST: /proc is not mounted; UNREADABLE: no descriptor or memory left to read it. */
enum owner { NO_LIST, UNREADABLE, NOT_THERE, OURS, STRANGER };

/* The socket from peer to us, in one of the kernel's lists. */
static enum owner look_up(const char *path, const struct end *peer, const struct end *us)
{
    char want[96], line[512], from[64], to[64];
    unsigned state, user;
    unsigned long inode;
    enum owner owner = NOT_THERE;
    FILE *list = fopen(path, "re");
    int n = print_end(want, sizeof(want), peer);

    if (!list)
        return errno == ENOENT ? NO_LIST : UNREADABLE;
    want[n++] = ' ';
    print_end(want + n, sizeof(want) - (size_t)n, us);
    while (owner == NOT_THERE && fgets(line, sizeof(line), list)) {
        if (!strstr(line, want) ||
            sscanf(line, "%*d: %63s %63s %x %*s %*s %*s %u %*d %lu", from, to, &state, &user,
                   &inode) != 5 ||
            strncmp(want, from, strlen(from)))
            continue;
        /* Without an inode it is already closed, and listed as root's, no matter whose it was. */
        owner = inode && (user == geteuid() || user == 0) ? OURS : STRANGER;
    }
    fclose(list);
    return owner;
}

/* A client that has left is in neither list. */
static enum owner find_owner(struct end *peer, struct end *us)
{
    enum owner owner = peer->words == 1 ? look_up("/proc/net/tcp", peer, us) : NOT_THERE, mapped;
    bool v4 = peer->words == 1;

    if (owner != NOT_THERE)
        return owner;
    map_to_v6(peer);
    map_to_v6(us);
    mapped = look_up("/proc/net/tcp6", peer, us);
    return v4 && mapped == NO_LIST ? NOT_THERE : mapped; /* a machine without IPv6 */
}

const char *gdb_peer_refusal(int fd)
{
    struct end peer, us;

    if (!get_end(fd, getpeername, &peer) || !get_end(fd, getsockname, &us))
        return "this client has gone"; /* and what it said does not count */
    if (!is_loopback(&peer))
        return NULL;
    switch (find_owner(&peer, &us)) {
    case NO_LIST:
    case OURS:
        return NULL;
    case UNREADABLE:
        return "cannot determine which user this client belongs to";
    case NOT_THERE:
    case STRANGER:
    default:
        return "this guest is another user's";
    }
}
