// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/nft/timed_sendto.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "bench/nft/timed_transport.hpp"

namespace farewell::bench {
namespace {

thread_local double last_seconds = 0;

}  // namespace

double last_sendto_seconds() {
    return last_seconds;
}

}  // namespace farewell::bench

/// In the place of the C library's, for libmnl as well.
extern "C" ssize_t sendto(int fd, const void* bytes, size_t length, int flags, const sockaddr* to,
                          socklen_t to_length) {
    using namespace farewell::bench;
    const double begin = seconds_of(CLOCK_MONOTONIC);
    const ssize_t sent = syscall(SYS_sendto, fd, bytes, length, flags, to, to_length);
    last_seconds = seconds_of(CLOCK_MONOTONIC) - begin;
    return sent;
}
