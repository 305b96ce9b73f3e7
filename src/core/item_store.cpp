// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/item_store.hpp"

#include <algorithm>

#include "core/keyed_mix.hpp"

namespace farewell::core {

ItemStore::ItemStore(std::size_t memory_bytes, std::uint64_t hash_key)
    : nodes_(memory_bytes / (sizeof(Node) + sizeof(Index)) - 1),
      buckets_(nodes_.size()),
      hash_key_(hash_key) {}

bool ItemStore::refresh(List& list, Owner owner, const Item& item, Tick now) {
    const Index index = find(owner, item.what);
    if (index == 0) {
        return false;
    }
    Node& node = nodes_[index];
    const Item known = unpacked(node.packed);
    if (item.weight > known.weight) {
        list.weight += item.weight - known.weight;
        node.packed = packed(item);
    }
    node.seen = now;
    unlink(list, index);
    link_newest(list, index);
    return true;
}

bool ItemStore::add(List& list, Owner owner, const Item& item, Tick now) {
    Index index = free_;
    if (index != 0) {
        free_ = nodes_[index].chained;
    } else if (untouched_ < nodes_.size()) {
        index = untouched_++;
    } else {
        return false;
    }
    Index& bucket = bucket_of(owner, item.what);
    nodes_[index] = {.packed = packed(item),
                     .seen = now,
                     .order = ++list.next_order,
                     .owner = owner,
                     .older = 0,
                     .newer = 0,
                     .chained = bucket};
    bucket = index;
    link_newest(list, index);
    ++list.count;
    list.weight += item.weight;
    ++used_;
    return true;
}

void ItemStore::expire(List& list, Tick now, Tick window) {
    while (list.oldest != 0 && now - nodes_[list.oldest].seen >= window) {
        remove(list, list.oldest);
    }
}

void ItemStore::clear(List& list) {
    while (list.oldest != 0) {
        remove(list, list.oldest);
    }
}

std::uint32_t ItemStore::count_recent(const List& list, Tick now, Tick window, std::uint32_t most) const {
    std::uint32_t count = 0;
    for (Index index = list.newest; index != 0 && count < most && now - nodes_[index].seen < window;
         index = nodes_[index].older) {
        ++count;
    }
    return count;
}

std::uint32_t ItemStore::count_older(const List& list, Tick now, Tick window) const {
    std::uint32_t count = 0;
    for (Index index = list.oldest; index != 0 && now - nodes_[index].seen >= window;
         index = nodes_[index].newer) {
        ++count;
    }
    return count;
}

std::vector<ItemStore::Entry> ItemStore::entries(const List& list) const {
    std::vector<Entry> entries;
    entries.reserve(list.count);
    for (Index index = list.oldest; index != 0; index = nodes_[index].newer) {
        const Node& node = nodes_[index];
        entries.push_back({.item = unpacked(node.packed), .seen = node.seen, .order = node.order});
    }
    return entries;
}

std::optional<ItemStore::Owner> ItemStore::next_in_round() {
    round_ = round_ + 1 < nodes_.size() ? round_ + 1 : 1;
    const Node& node = nodes_[round_];
    return node.is_free() ? std::nullopt : std::optional(node.owner);
}

ItemStore::Index& ItemStore::bucket_of(Owner owner, std::uint32_t what) {
    const std::uint64_t hash = keyed_mix(std::uint64_t{owner} << 32U | what, hash_key_);
    return buckets_[place_of(hash, buckets_.size())];
}

ItemStore::Index ItemStore::find(Owner owner, std::uint32_t what) {
    Index index = bucket_of(owner, what);
    while (index != 0 && (nodes_[index].owner != owner || nodes_[index].packed >> 8U != what)) {
        index = nodes_[index].chained;
    }
    return index;
}

void ItemStore::link_newest(List& list, Index index) {
    nodes_[index].older = list.newest;
    nodes_[index].newer = 0;
    (list.newest == 0 ? list.oldest : nodes_[list.newest].newer) = index;
    list.newest = index;
}

void ItemStore::unlink(List& list, Index index) {
    const Node& node = nodes_[index];
    (node.older == 0 ? list.oldest : nodes_[node.older].newer) = node.newer;
    (node.newer == 0 ? list.newest : nodes_[node.newer].older) = node.older;
}

void ItemStore::remove(List& list, Index index) {
    Node& node = nodes_[index];
    Index* link = &bucket_of(node.owner, node.packed >> 8U);
    while (*link != index) {
        link = &nodes_[*link].chained;
    }
    *link = node.chained;
    unlink(list, index);
    --list.count;
    list.weight -= unpacked(node.packed).weight;
    node.order = 0;
    node.chained = free_;
    free_ = index;
    --used_;
}

}  // namespace farewell::core
