// SPDX-License-Identifier: MIT
// What a handler did to single packets of a batch beyond their verdicts: new bytes, or held back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <farewell/nfq/held.hpp>
#include <farewell/nfq/queue.hpp>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "nfq/held_book.hpp"

namespace farewell::nfq {

class BatchExtras {
 public:
    explicit BatchExtras(std::shared_ptr<HeldBook> book) : book_(std::move(book)) {}

    void clear() {
        held_ = 0;
        mangled_ = 0;
        buffers_used_ = 0;
    }
    void mangle(std::size_t index, std::span<const std::byte> bytes);
    [[nodiscard]] Held hold(std::size_t index, std::uint32_t id);

    /// A bit for each packet, by its index.
    [[nodiscard]] std::uint64_t held() const { return held_; }
    [[nodiscard]] std::uint64_t mangled() const { return mangled_; }
    [[nodiscard]] std::span<const std::span<const std::byte>> payloads() const { return payloads_; }

 private:
    std::shared_ptr<HeldBook> book_;  // with every Held and the queue
    std::uint64_t held_ = 0;
    std::uint64_t mangled_ = 0;
    std::array<std::span<const std::byte>, Queue::kBatchMax> payloads_;
    std::vector<std::vector<std::byte>>
        buffers_;  // kept from batch to batch, so that they are allocated once
    std::size_t buffers_used_ = 0;
};

}  // namespace farewell::nfq
