// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/port_set.hpp"

#include <algorithm>

namespace farewell::core {

bool PortSet::insert(const Port& port, ProbeKind kind, Time now) {
    if (ports_.size() > kSearchedOneByOne) {
        const auto [entry, is_new] = index_.try_emplace(key(port), static_cast<std::uint32_t>(ports_.size()));
        if (!is_new) {
            ports_[entry->second].last_seen = now;
            return false;
        }
    } else if (const auto known = std::ranges::find(ports_, port, &TriedPort::port); known != ports_.end()) {
        known->last_seen = now;
        return false;
    }
    ports_.push_back({.port = port, .kind = kind, .first_seen = now, .last_seen = now});
    if (ports_.size() == kSearchedOneByOne + 1) {
        index_all();
    }
    return true;
}

void PortSet::forget_before(Time oldest) {
    if (std::erase_if(ports_, [oldest](const TriedPort& tried) { return tried.last_seen < oldest; }) > 0) {
        index_all();
    }
}

void PortSet::index_all() {
    index_.clear();
    if (ports_.size() <= kSearchedOneByOne) {
        return;
    }
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        index_.emplace(key(ports_[i].port), static_cast<std::uint32_t>(i));
    }
}

std::size_t PortSet::heap_bytes() const {
    // One byte of metadata a slot in groups of fifteen: Boost.Unordered, "Data structures", open addressing.
    const std::size_t slot = sizeof(decltype(index_)::value_type) + 2;
    return ports_.capacity() * sizeof(TriedPort) + index_.bucket_count() * slot;
}

}  // namespace farewell::core
