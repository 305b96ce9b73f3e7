// SPDX-License-Identifier: GPL-2.0-or-later
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <system_error>

#include "source/probe_ring.hpp"

namespace farewell::source {

Doorbell::Doorbell() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) {
        throw std::system_error(errno, std::generic_category(), "create an eventfd");
    }
}

Doorbell::~Doorbell() {
    close(fd_);
}

void Doorbell::ring() {
    // The producer has pushed before this load; the consumer has announced before it looks at the rings. With
    // both sequentially consistent, one of the two sees the other: no wake-up is lost.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_seq_cst)) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);  // full means already rung
    }
}

void Doorbell::announce_sleep() {
    asleep_.store(true, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Doorbell::stay_awake() {
    asleep_.store(false, std::memory_order_relaxed);
}

void Doorbell::sleep(std::chrono::nanoseconds at_most) {
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    const timespec limit{.tv_sec = at_most.count() / 1'000'000'000,
                         .tv_nsec = at_most.count() % 1'000'000'000};
    if (ppoll(&waiting, 1, &limit, nullptr) > 0) {
        std::uint64_t rung = 0;
        [[maybe_unused]] const ssize_t taken = read(fd_, &rung, sizeof rung);
    }
    stay_awake();
}

}  // namespace farewell::source
