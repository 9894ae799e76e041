/* Answers like the API, at next to no cost: one thread, epoll, one latency for all creations.
   `responder FILE`: FILE is a page of 64-bit numbers shared with the bench, in the order of `enum`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { LATENCY, CREATES, LOGINS, FIRST, LAST, GAP, CONNECTIONS, PORT };
enum { ROOM = 256 * 1024, MOST = 16384, RING = 65536 };

typedef struct { char *buffer; size_t used; uint32_t born; } Connection;
typedef struct { uint64_t due, number; uint32_t born; int fd; } Answer;

static volatile uint64_t *shared;
static Connection connections[MOST];
static Answer ring[RING]; /* one latency for all, so that the first in is the first due */
static uint32_t ring_head, ring_tail, births;
static int poller, timer;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void say(int fd, const char *text, size_t length) {
    if (send(fd, text, length, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) perror("send");
}

static void created(int fd, uint64_t number) {
    char text[256];
    int length = snprintf(text, sizeof text,
        "HTTP/1.1 201 Created\r\nLocation: /system/ws/v12/interaction/customer/%llu\r\nContent-Length: 0\r\n\r\n",
        (unsigned long long)number);
    say(fd, text, (size_t)length);
}

static void count(uint64_t at) {
    uint64_t last = shared[LAST];
    if (!shared[FIRST]) shared[FIRST] = at;
    else if (at - last > shared[GAP]) shared[GAP] = at - last;
    shared[LAST] = at;
    shared[CREATES]++;
}

static void create(int fd) {
    uint64_t at = now(), number = 280000 + shared[CREATES];
    count(at);
    if (!shared[LATENCY] || ring_tail - ring_head == RING) { created(fd, number); return; }
    ring[ring_tail++ % RING] = (Answer){at + shared[LATENCY], number, connections[fd].born, fd};
}

static void login(int fd) {
    static const char text[] = "HTTP/1.1 204 No Content\r\nX-egain-session: bench\r\nContent-Length: 0\r\n\r\n";
    shared[LOGINS]++;
    say(fd, text, sizeof text - 1);
}

static void no_content(int fd) {
    static const char text[] = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";
    say(fd, text, sizeof text - 1);
}

/* The bytes of the first whole request, answered; 0 where more must come. */
static size_t taken(int fd, char *text, size_t used) {
    char *end = memmem(text, used, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0; /* searches end with the head */
    char *length = strcasestr(text, "\r\ncontent-length:");
    size_t total = (size_t)(end - text) + 4 + (length ? strtoul(length + 17, NULL, 10) : 0);
    if (used < total) { *end = '\r'; return 0; }
    if (strncmp(text, "POST", 4)) no_content(fd);
    else if (strstr(text, "/user/login")) login(fd);
    else create(fd);
    return total;
}

static void hung_up(int fd) {
    connections[fd].born = 0;
    shared[CONNECTIONS]--;
    close(fd);
}

static void readable(int fd) {
    Connection *from = &connections[fd];
    ssize_t got = recv(fd, from->buffer + from->used, ROOM - from->used - 1, 0);
    if (got <= 0) { if (got == 0 || errno != EAGAIN) hung_up(fd); return; }
    from->used += (size_t)got;
    from->buffer[from->used] = 0;
    for (size_t size; from->used && (size = taken(fd, from->buffer, from->used));) {
        from->used -= size;
        memmove(from->buffer, from->buffer + size, from->used);
    }
    if (from->used == ROOM - 1) hung_up(fd);
}

static void greet(int listener) {
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    if (fd >= MOST) { close(fd); return; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!connections[fd].buffer) connections[fd].buffer = malloc(ROOM);
    connections[fd].used = 0;
    connections[fd].born = ++births;
    shared[CONNECTIONS]++;
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

/* Every answer that is due; the timer is set to the next one. */
static void answer_due(void) {
    static uint64_t armed;
    for (uint64_t at = now(); ring_head != ring_tail && ring[ring_head % RING].due <= at; ring_head++) {
        Answer *each = &ring[ring_head % RING];
        if (connections[each->fd].born == each->born) created(each->fd, each->number);
    }
    uint64_t due = ring_head == ring_tail ? 0 : ring[ring_head % RING].due;
    if (due == armed) return;
    armed = due;
    struct itimerspec at = {.it_value = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static int listening(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&at, size) || listen(fd, 4096)) { perror("listen"); exit(1); }
    getsockname(fd, (struct sockaddr *)&at, &size);
    shared[PORT] = ntohs(at.sin_port);
    return fd;
}

int main(int count, char **arguments) {
    int file = count > 1 ? open(arguments[1], O_RDWR) : -1;
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) { perror("mmap"); return 1; }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    poller = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int listener = listening();
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &(struct epoll_event){.events = EPOLLIN, .data.fd = timer});
    for (struct epoll_event seen[256];;) {
        int ready = epoll_wait(poller, seen, 256, -1);
        for (int each = 0; each < ready; each++) {
            uint64_t ticks;
            int fd = seen[each].data.fd;
            if (fd == listener) greet(fd);
            else if (fd == timer) { if (read(timer, &ticks, sizeof ticks) < 0) continue; }
            else readable(fd);
        }
        answer_due();
    }
}
