// SPDX-License-Identifier: MIT
// The packets of one go, and what shall become of each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <farewell/nfq/held.hpp>
#include <farewell/nfq/packet.hpp>
#include <farewell/nfq/verdict.hpp>

namespace farewell::nfq {

class BatchExtras;

/// Lives as long as the handler's call, in the thread of the queue; its packets and their payloads with it.
/// Nothing here is a system call but give_verdicts(), nothing allocates once its buffers have grown.
class Batch {
 public:
    /// The largest payload that mangle() can give: what a netlink attribute can carry.
    static constexpr std::size_t kPayloadMax = 0xffff - 4;

    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

    /// In the order in which they arrived.
    [[nodiscard]] std::span<const Packet> packets() const { return packets_; }
    /// 1 to Queue::kBatchMax.
    [[nodiscard]] std::size_t size() const { return packets_.size(); }
    /// `index` < size().
    [[nodiscard]] const Packet& operator[](std::size_t index) const { return packets_[index]; }

    /// Costs the same for any number of packets.
    void all(const Verdict& verdict) {
        of_all_ = verdict;
        differ_ = false;
    }
    /// `index` < size().
    void set(std::size_t index, const Verdict& verdict) {
        tell_apart();
        verdicts_[index] = verdict;
    }
    /// Here and below: one of packets(), by reference, not a copy of it.
    void set(const Packet& packet, const Verdict& verdict) { set(index_of(packet), verdict); }
    /// The verdict stays what it is, and the packet carries this mark from now on.
    void set_mark(const Packet& packet, std::uint32_t mark) {
        tell_apart();
        Verdict& verdict = verdicts_[index_of(packet)];
        verdict = verdict.with_mark(mark);
    }

    /// The packet becomes `bytes`, from the network header on, and gets `verdict`. Lengths and checksums in
    /// it are yours to set: the kernel takes it as it is (nfqnl_mangle). Copies the bytes. A packet that was
    /// cut short must be given whole. False, and nothing done, above kPayloadMax.
    [[nodiscard]] bool mangle(const Packet& packet, std::span<const std::byte> bytes,
                              const Verdict& verdict = Verdict::accept());

    /// The packet waits in the kernel until the Held gives its verdict. While anything is held, every other
    /// verdict is a message of its own, because VERDICT_BATCH would take the held packets along.
    [[nodiscard]] Held hold(const Packet& packet);

    /// The verdicts go out now instead of when the handler returns: for a handler that has more to do, so
    /// that no packet waits for it. Packets and payloads stay; what is set, altered or held afterwards comes
    /// too late and has no effect. Once a batch. What sending fails of is returned by run() or receive().
    void give_verdicts();

 private:
    friend class Queue;
    struct ErasedAnswer {
        void* object;
        void (*call)(void* object, const Batch& batch);
    };
    /// As many verdicts as packets; they are written only once they differ.
    Batch(std::span<const Packet> packets, std::span<Verdict> verdicts, const Verdict& of_all,
          BatchExtras& extras, ErasedAnswer answer)
        : packets_(packets), verdicts_(verdicts), of_all_(of_all), extras_(extras), answer_(answer) {}
    void tell_apart() {
        if (!differ_) {
            std::ranges::fill(verdicts_, of_all_);
            differ_ = true;
        }
    }
    [[nodiscard]] std::size_t index_of(const Packet& packet) const {
        return static_cast<std::size_t>(&packet - packets_.data());
    }

    std::span<const Packet> packets_;
    std::span<Verdict> verdicts_;
    Verdict of_all_;  // unless they differ
    bool differ_ = false;
    BatchExtras& extras_;
    ErasedAnswer answer_;
    bool is_answered_ = false;
};

}  // namespace farewell::nfq
