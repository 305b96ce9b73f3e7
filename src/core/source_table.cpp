// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/source_table.hpp"

#include <algorithm>
#include <utility>

namespace farewell::core {

SourceTable::SourceTable(std::size_t memory_bytes, std::chrono::nanoseconds window, std::uint64_t hash_key)
    : memory_max_(memory_bytes), window_(window), by_address_(0, KeyedHash{.key = hash_key}) {}

SourceTable::Seen SourceTable::on_probe(const Probe& probe, Time now) {
    const auto known = by_address_.find(probe.source);
    const Index index = known == by_address_.end() ? add(probe.source) : known->second;
    unlink(index);
    link_newest(index);

    Source& source = records_[index].source;
    const std::size_t before = source.ports.heap_bytes();
    const bool expired = source.last_seen < now - window_;
    if (expired) {
        source.ports.forget_before(now - window_);
    }
    const bool new_port = source.ports.insert(probe.port, probe.kind, now);
    source.last_seen = now;
    source.last_probe = probe;
    memory_used_ += source.ports.heap_bytes();
    memory_used_ -= before;
    const Seen seen{.new_port = new_port, .distinct_ports = source.ports.size()};
    evict_beyond_budget(index);
    return seen;
}

std::size_t SourceTable::distinct_within(const Address& source, Time now) {
    const auto known = by_address_.find(source);
    if (known == by_address_.end()) {
        return 0;
    }
    PortSet& ports = records_[known->second].source.ports;
    memory_used_ -= ports.heap_bytes();
    ports.forget_before(now - window_);
    memory_used_ += ports.heap_bytes();
    return ports.size();
}

std::vector<TriedPort> SourceTable::take(const Address& source) {
    const auto known = by_address_.find(source);
    if (known == by_address_.end()) {
        return {};
    }
    std::vector<TriedPort> ports = records_[known->second].source.ports.ports();
    remove(known->second);
    return ports;
}

void SourceTable::forget_expired(Time now) {
    while (oldest_ != kNone && records_[oldest_].source.last_seen < now - window_) {
        remove(oldest_);
    }
}

void SourceTable::reconfigure(std::size_t memory_bytes, std::chrono::nanoseconds window) {
    memory_max_ = memory_bytes;
    window_ = window;
    evict_beyond_budget(kNone);
}

const SourceTable::Source* SourceTable::find(const Address& source) const {
    const auto known = by_address_.find(source);
    return known == by_address_.end() ? nullptr : &records_[known->second].source;
}

std::vector<TriedPort> SourceTable::tried_within(const Address& source, Time now) const {
    std::vector<TriedPort> ports;
    if (const Source* known = find(source)) {
        std::ranges::copy_if(known->ports.ports(), std::back_inserter(ports),
                             [&](const TriedPort& tried) { return tried.last_seen >= now - window_; });
    }
    return ports;
}

std::size_t SourceTable::count_with(std::size_t least, Time now) const {
    std::size_t count = 0;
    for (Index index = newest_; index != kNone; index = records_[index].older) {
        const Source& source = records_[index].source;
        if (source.last_seen < now - window_) {
            break;  // all the others are older still
        }
        const auto within = std::ranges::count_if(
            source.ports.ports(), [&](const TriedPort& tried) { return tried.last_seen >= now - window_; });
        count += static_cast<std::size_t>(within) >= least ? 1 : 0;
    }
    return count;
}

SourceTable::Index SourceTable::add(const Address& address) {
    Index index = kNone;
    if (free_.empty()) {
        index = static_cast<Index>(records_.size());
        records_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    records_[index].source = {.address = address, .last_probe = {}, .last_seen = {}, .ports = {}};
    by_address_.emplace(address, index);
    memory_used_ += kFixedBytes;
    link_newest(index);
    return index;
}

void SourceTable::remove(Index index) {
    Source& source = records_[index].source;
    memory_used_ -= kFixedBytes + source.ports.heap_bytes();
    by_address_.erase(source.address);
    unlink(index);
    source = {};
    free_.push_back(index);
}

void SourceTable::link_newest(Index index) {
    records_[index].older = newest_;
    records_[index].newer = kNone;
    (newest_ == kNone ? oldest_ : records_[newest_].newer) = index;
    newest_ = index;
}

void SourceTable::unlink(Index index) {
    const Record& record = records_[index];
    (record.older == kNone ? oldest_ : records_[record.older].newer) = record.newer;
    (record.newer == kNone ? newest_ : records_[record.newer].older) = record.older;
}

void SourceTable::evict_beyond_budget(Index keep) {
    while (memory_used_ > memory_max_ && oldest_ != kNone) {
        // The source at hand is the newest: it goes only when it is alone and still too much.
        const Index victim = oldest_ != keep || oldest_ == newest_ ? oldest_ : records_[oldest_].newer;
        remove(victim);
        ++evicted_;
    }
}

}  // namespace farewell::core
