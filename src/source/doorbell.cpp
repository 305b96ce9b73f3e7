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
    // Both sides change the same atomic, so one comes first. If the consumer announced first, this sees it
    // and wakes it; if this came first, the announcement sees what was pushed before it. Either way no
    // wake-up is lost.
    if (asleep_.fetch_add(0, std::memory_order_acq_rel) != 0) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);  // full means already rung
    }
}

void Doorbell::announce_sleep() {
    asleep_.exchange(1, std::memory_order_acq_rel);
}

void Doorbell::stay_awake() {
    asleep_.store(0, std::memory_order_relaxed);
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
