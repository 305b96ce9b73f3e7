// SPDX-License-Identifier: MIT
// The packets a queue holds back, and the way of their verdicts to the kernel from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <farewell/nfq/verdict.hpp>
#include <mutex>
#include <span>

#include "netlink/channel.hpp"
#include "nfq/outgoing.hpp"

namespace farewell::nfq {

/// Shared by the queue and everything it holds, because a Held may outlive its queue. The lock is taken for
/// held packets alone.
class HeldBook {
 public:
    HeldBook(netlink::Channel& channel, std::uint16_t number, const Verdict& default_verdict)
        : channel_(&channel), number_(number), default_verdict_(default_verdict) {}

    [[nodiscard]] const Verdict& default_verdict() const { return default_verdict_; }
    /// How many packets are held, counting those whose verdict has not reached the kernel. Any thread.
    [[nodiscard]] std::size_t held() const { return held_.load(std::memory_order_acquire); }

    /// One more is held. The queue's thread.
    void hold() { held_.fetch_add(1, std::memory_order_acq_rel); }
    /// Gives the verdict; what the kernel does not take at once waits for flush(). Any thread.
    void answer(std::uint32_t id, const Verdict& verdict);
    void answer(std::uint32_t id, const Verdict& verdict, std::span<const std::byte> payload);
    /// Tries again with what the kernel did not take. The queue's thread.
    void flush();
    /// The queue is going: the kernel drops what is held, and answers do nothing from now on.
    void close();

 private:
    void send();  // locked

    std::mutex mutex_;
    netlink::Channel* channel_;  // guarded by mutex_; null: closed
    Outgoing outgoing_;          // guarded by mutex_
    std::size_t unsent_ = 0;     // held packets in `outgoing_`; guarded by mutex_
    std::atomic<bool> has_unsent_{false};
    std::atomic<std::size_t> held_{0};
    std::uint16_t number_;
    Verdict default_verdict_;
};

}  // namespace farewell::nfq
