// SPDX-License-Identifier: MIT
// A packet that waits in the kernel for a verdict given later.
//
// Use:      Held held = batch.hold(packet); ... std::move(held).verdict(Verdict::accept());
//           One that is dropped gives the queue's default verdict: no packet can be forgotten in the kernel.
// Threads:  may be moved to and answered in any thread.
// Cost:     one system call for its verdict.
// After the queue has stopped or gone, the kernel has dropped the packet, and a verdict does nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <farewell/nfq/verdict.hpp>

namespace farewell::nfq {

class HeldBook;

/// The duty to give one packet its verdict; the head of this file says how.
class [[nodiscard]] Held {
 public:
    /// Takes the duty over; `other` has none any more.
    Held(Held&& other) noexcept;
    /// What it held before gets the default verdict.
    Held& operator=(Held&& other) noexcept;
    ~Held();

    /// The packet's id, as in Packet::id.
    [[nodiscard]] std::uint32_t id() const { return id_; }
    /// Consumes it. What the kernel does not take at once goes with the queue's next verdicts.
    void verdict(const Verdict& verdict) &&;
    /// The packet becomes `bytes`, as with Batch::mangle. False, and the default verdict without them, above
    /// Batch::kPayloadMax.
    [[nodiscard]] bool verdict(const Verdict& verdict, std::span<const std::byte> bytes) &&;

 private:
    friend class BatchExtras;
    Held(std::shared_ptr<HeldBook> book, std::uint32_t id);
    void release();

    std::shared_ptr<HeldBook> book_;  // shared with the queue, which may go before this does; empty: consumed
    std::uint32_t id_;
};

}  // namespace farewell::nfq
