// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ban_book.hpp"

#include <algorithm>

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
    ++count_of(source);
    return entries_.emplace(source, Entry{.record = std::move(record), .due = due}).first->second.record;
}

BanRecord* BanBook::find(const Prefix& source) {
    const auto found = entries_.find(source);
    return found == entries_.end() ? nullptr : &found->second.record;
}

const BanRecord* BanBook::find(const Prefix& source) const {
    const auto found = entries_.find(source);
    return found == entries_.end() ? nullptr : &found->second.record;
}

BanRecord* BanBook::find_around(const Address& address, std::uint8_t length) {
    return has_length(address.family(), length) ? find(Prefix::of(address, length)) : nullptr;
}

const BanRecord* BanBook::find_around(const Address& address, std::uint8_t length) const {
    return has_length(address.family(), length) ? find(Prefix::of(address, length)) : nullptr;
}

bool BanBook::remove(const Prefix& source) {
    const auto found = entries_.find(source);
    if (found == entries_.end()) {
        return false;
    }
    schedule_.erase({found->second.due, source});
    entries_.erase(found);
    --count_of(source);
    return true;
}

void BanBook::set_due(const BanRecord& record, Time due) {
    Entry& entry = entries_.find(record.ban.source)->second;
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

std::size_t& BanBook::count_of(const Prefix& source) {
    return by_length_.at(static_cast<std::size_t>(source.address.family())).at(source.length);
}

bool BanBook::has_length(Family family, std::uint8_t length) const {
    return by_length_.at(static_cast<std::size_t>(family)).at(length) > 0;
}

}  // namespace farewell::core
