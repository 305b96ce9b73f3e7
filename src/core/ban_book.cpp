// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ban_book.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace farewell::core {

std::string_view name_of(BanState state) {
    switch (state) {
        case BanState::pending:
            return "pending";
        case BanState::enforced:
            return "enforced";
        case BanState::failed:
            return "failed";
    }
    return "unknown";
}

BanRecord& BanBook::put(BanRecord record) {
    const Prefix source = record.ban.source;
    remove(source);
    const Time due = record.ban.until;
    schedule_.emplace(due, source);
    count(source, true);
    return entries_.put(source, std::make_unique<Entry>(std::move(record), due))->record;
}

BanBook::Entry* BanBook::entry_of(const Prefix& source) const {
    const std::unique_ptr<Entry>* found = entries_.find(source);
    return found == nullptr ? nullptr : found->get();
}

BanRecord* BanBook::find(const Prefix& source) {
    Entry* entry = entry_of(source);
    return entry == nullptr ? nullptr : &entry->record;
}

const BanRecord* BanBook::find(const Prefix& source) const {
    const Entry* entry = entry_of(source);
    return entry == nullptr ? nullptr : &entry->record;
}

BanRecord* BanBook::find_around(const Address& address, std::uint8_t length) {
    return find(Prefix::of(address, length));
}

const BanRecord* BanBook::find_around(const Address& address, std::uint8_t length) const {
    return find(Prefix::of(address, length));
}

bool BanBook::remove(const Prefix& source) {
    const Entry* entry = entry_of(source);
    if (entry == nullptr) {
        return false;
    }
    schedule_.erase({entry->due, source});
    entries_.erase(source);
    count(source, false);
    return true;
}

void BanBook::set_due(const BanRecord& record, Time due) {
    Entry& entry = *entry_of(record.ban.source);
    schedule_.erase({entry.due, record.ban.source});
    entry.due = std::min(due, record.ban.until);
    schedule_.emplace(entry.due, record.ban.source);
}

BanRecord* BanBook::due(Time now) {
    if (schedule_.empty() || schedule_.begin()->first > now) {
        return nullptr;
    }
    return find(schedule_.begin()->second);
}

std::optional<Time> BanBook::next_due() const {
    if (schedule_.empty()) {
        return std::nullopt;
    }
    return schedule_.begin()->first;
}

std::vector<const BanRecord*> BanBook::outermost(std::size_t each) const {
    std::vector<const BanRecord*> records;
    const std::size_t first = std::min(each, schedule_.size());
    const std::size_t last = std::min(each, schedule_.size() - first);
    auto place = schedule_.begin();
    for (std::size_t i = 0; i < first; ++i, ++place) {
        records.push_back(find(place->second));
    }
    place = std::prev(schedule_.end(), static_cast<std::ptrdiff_t>(last));
    for (; place != schedule_.end(); ++place) {
        records.push_back(find(place->second));
    }
    return records;
}

std::size_t BanBook::size(Family family) const {
    const auto& counts = by_length_.at(static_cast<std::size_t>(family));
    return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

void BanBook::count(const Prefix& source, bool is_added) {
    const auto family = static_cast<std::size_t>(source.address.family());
    std::size_t& count = by_length_.at(family).at(source.length);
    std::vector<std::uint8_t>& lengths = lengths_.at(family);
    if (is_added && count == 0) {
        lengths.insert(std::ranges::upper_bound(lengths, source.length, std::ranges::greater()),
                       source.length);
    }
    count = is_added ? count + 1 : count - 1;
    if (count == 0) {
        std::erase(lengths, source.length);
    }
}

}  // namespace farewell::core
