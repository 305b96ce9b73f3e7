// SPDX-License-Identifier: MIT
#include "nfq/held_book.hpp"

#include "nfq/send_all.hpp"

namespace farewell::nfq {

void HeldBook::answer(std::uint32_t id, const Verdict& verdict) {
    const std::scoped_lock lock(mutex_);
    outgoing_.verdict_for(number_, id, verdict);
    ++unsent_;
    send();
}

void HeldBook::answer(std::uint32_t id, const Verdict& verdict, std::span<const std::byte> payload) {
    const std::scoped_lock lock(mutex_);
    outgoing_.verdict_for(number_, id, verdict, payload);
    ++unsent_;
    send();
}

void HeldBook::flush() {
    if (!has_unsent_.load(std::memory_order_relaxed)) {
        return;
    }
    const std::scoped_lock lock(mutex_);
    send();
}

void HeldBook::close() {
    const std::scoped_lock lock(mutex_);
    channel_ = nullptr;
    has_unsent_ = false;
    held_ = 0;
}

void HeldBook::send() {
    if (channel_ == nullptr) {
        return;
    }
    if (send_all(*channel_, outgoing_).errno_number != 0) {
        outgoing_.keep();  // the payload is the caller's
        has_unsent_ = true;
        return;
    }
    // Only now: until the kernel has it, no VERDICT_BATCH may pass over the packet.
    held_.fetch_sub(unsent_, std::memory_order_acq_rel);
    unsent_ = 0;
    has_unsent_ = false;
}

}  // namespace farewell::nfq
