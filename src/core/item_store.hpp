// SPDX-License-Identifier: GPL-2.0-or-later
// The items of those few sources that tried more than a record holds: a fixed number of nodes, shared.
//
// Every source with items here owns a List. Its nodes are linked from the least to the most recently tried,
// so what has expired is at one end; and all nodes are found by a hash of (owner, what), so a source may try
// all 65536 ports and still costs the same a probe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/subject.hpp"
#include "core/zeroed_array.hpp"

namespace farewell::core {

/// A moment in units that the source table chooses; wraps around.
using Tick = std::uint32_t;

class ItemStore {
 public:
    using Owner = std::uint32_t;
    using Index = std::uint32_t;  // of a node; 0 is none
    struct List {
        Index oldest;
        Index newest;
        std::uint32_t count;
        std::uint32_t weight;      // of all together, in quarters
        std::uint32_t next_order;  // how many were ever added
    };
    struct Entry {
        Item item;
        Tick seen;
        std::uint32_t order;
    };

    ItemStore(std::size_t memory_bytes, std::uint64_t hash_key);

    /// Moves a known item to the newest; of two weights the heavier stays. Returns whether it was known.
    bool refresh(List& list, Owner owner, const Item& item, Tick now);
    /// Adds an item that is not known. Returns false, and does nothing, when there is no node left.
    bool add(List& list, Owner owner, const Item& item, Tick now);
    /// Frees the items not tried for `window` ticks. O(those).
    void expire(List& list, Tick now, Tick window);
    void clear(List& list);

    /// How many items of the list were tried within the last `window` ticks; counts up to `most`. O(result).
    [[nodiscard]] std::uint32_t count_recent(const List& list, Tick now, Tick window,
                                             std::uint32_t most) const;
    /// How many of the list were not. O(result).
    [[nodiscard]] std::uint32_t count_older(const List& list, Tick now, Tick window) const;
    /// All items of a list, least recently tried first.
    [[nodiscard]] std::vector<Entry> entries(const List& list) const;

    /// The owner of the next node in a round over all that are in use; nullopt if the node there is free.
    std::optional<Owner> next_in_round();

    /// Hardly any node is left.
    [[nodiscard]] bool is_scarce() const { return used_ > capacity() / 16 * 15; }
    [[nodiscard]] std::size_t size() const { return used_; }
    [[nodiscard]] std::size_t capacity() const { return nodes_.size() - 1; }
    [[nodiscard]] std::size_t bytes() const { return nodes_.bytes() + buckets_.bytes(); }

 private:
    struct Node {
        std::uint32_t packed;  // what << 8 | kind << 4 | weight
        Tick seen;
        std::uint32_t order;
        Owner owner;
        Index older;
        Index newer;
        Index chained;  // the next with the same bucket, or the next free one
        [[nodiscard]] bool is_free() const { return order == 0; }
    };

    [[nodiscard]] Index& bucket_of(Owner owner, std::uint32_t what);
    [[nodiscard]] Index find(Owner owner, std::uint32_t what);
    void link_newest(List& list, Index index);
    void unlink(List& list, Index index);
    void remove(List& list, Index index);

    ZeroedArray<Node> nodes_;  // the first is never used
    ZeroedArray<Index> buckets_;
    std::uint64_t hash_key_;
    Index free_ = 0;       // those given back, chained
    Index untouched_ = 1;  // from here on none was ever used
    Index round_ = 0;
    std::size_t used_ = 0;
};

/// An item in 32 bits.
[[nodiscard]] constexpr std::uint32_t packed(const Item& item) {
    return item.what << 8U | static_cast<std::uint32_t>(item.kind) << 4U | item.weight;
}
[[nodiscard]] constexpr Item unpacked(std::uint32_t bits) {
    return {.what = bits >> 8U,
            .kind = static_cast<std::uint8_t>(bits >> 4U & 15U),
            .weight = static_cast<std::uint8_t>(bits & 15U)};
}

}  // namespace farewell::core
