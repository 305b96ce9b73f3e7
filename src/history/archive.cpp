// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <ranges>
#include <utility>

namespace farewell::history {
namespace {

/// One transaction: small enough for the log to hold it within history.size.
constexpr std::size_t kRecordsAtOnce = 64;
constexpr std::size_t kBytesAtOnce = std::size_t{64} << 10;

/// Whom this record says to have been banned, and not only in observe mode; nullptr: nobody.
const core::Prefix* banned_by(const Record& record) {
    return record.kind == EventKind::ban && !record.observed && record.source ? &*record.source : nullptr;
}

bool matches(const EventQuery& query, const Record& record) {
    // What waits in memory arrived after everything that has an id.
    return !query.before && (!query.since || record.at >= *query.since) &&
           (!query.source || (record.source && record.source->overlaps(*query.source)));
}

}  // namespace

void Archive::open(WallTime now) {
    open_store(now);
    if (store_) {
        write_waiting(*store_);
    }
}

void Archive::open_store(WallTime now) {
    if (corruption_.empty()) {
        auto store = Store::open(file_, bounds_, now);
        if (store) {
            store_ = std::move(*store);
            return;
        }
        if (store.error().failure != StoreFailure::corrupt) {
            fail(store.error());
            return;
        }
        corruption_ = store.error().message;
    }
    const auto aside = set_aside(file_);
    if (!aside) {
        fail({.failure = StoreFailure::other,
              .message = fmt::format("it is corrupt ({}) and in the way: {}", corruption_, aside.error())});
        return;
    }
    tell_(Tone::warning, fmt::format("the history was corrupt ({}): set aside as {}, a fresh one is begun",
                                     corruption_, aside->string()));
    corruption_.clear();
    auto fresh = Store::open(file_, bounds_, now);
    if (!fresh) {
        fail(fresh.error());
        return;
    }
    store_ = std::move(*fresh);
}

void Archive::record(std::vector<Record> records) {
    std::ranges::move(records, std::back_inserter(waiting_));
    if (store_ && !is_in_trouble()) {
        write_waiting(*store_);
    }
    while (waiting_.size() > kWaitingMax) {
        waiting_.pop_front();
        ++lost_;
    }
}

void Archive::retry(WallTime now) {
    if (!store_) {
        open_store(now);
    }
    if (!store_) {
        return;
    }
    // That may be what failed, and then nothing waits.
    if (const auto forgotten = store_->forget_surplus(); !forgotten) {
        fail(forgotten.error());
        return;
    }
    write_waiting(*store_);
}

/// Leaves the archive either in trouble, or with nothing waiting.
void Archive::write_waiting(Store& store) {
    std::vector<Record> batch;
    while (!waiting_.empty()) {
        batch.clear();
        std::size_t bytes = 0;
        for (const Record& record : waiting_) {
            bytes += record.detail.size();
            if (batch.size() == kRecordsAtOnce || (bytes > kBytesAtOnce && !batch.empty())) {
                break;
            }
            batch.push_back(record);
        }
        if (const auto written = store.append(batch); !written) {
            fail(written.error());
            return;
        }
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
        if (const auto forgotten = store.forget_surplus(); !forgotten) {
            fail(forgotten.error());
            return;
        }
    }
    if (is_in_trouble()) {
        trouble_.clear();
        tell_(Tone::info, fmt::format("the history is kept in {} again", file_.string()));
    }
}

void Archive::fail(const StoreError& error) {
    if (!is_in_trouble()) {
        tell_(
            Tone::warning,
            fmt::format("the history is kept in memory only, its latest {} events, until this is mended: {}",
                        kWaitingMax, error.message));
    }
    trouble_ = error.message;
    if (error.failure == StoreFailure::corrupt) {
        corruption_ = error.message;
    }
    if (error.failure != StoreFailure::full) {
        store_.reset();
    }
}

void Archive::forget_old(WallTime now) {
    if (store_ && !is_in_trouble()) {
        if (const auto forgotten = store_->forget_old(now); !forgotten) {
            fail(forgotten.error());
        }
    }
}

void Archive::set_bounds(const Bounds& bounds, WallTime now) {
    bounds_ = bounds;
    if (store_) {
        if (const auto set = store_->set_bounds(bounds, now); !set) {
            fail(set.error());
        }
    }
}

template <typename Value>
Value Archive::value_or_fail(std::expected<Value, StoreError> result) {
    if (!result) {
        fail(result.error());
        return {};
    }
    return std::move(*result);
}

std::vector<Record> Archive::events(const EventQuery& query) {
    std::vector<Record> records;
    if (store_) {
        records = value_or_fail(store_->events(query));
    }
    std::ranges::copy_if(waiting_, std::back_inserter(records),
                         [&](const Record& record) { return matches(query, record); });
    if (records.size() > query.max) {
        records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(query.max));
    }
    return records;
}

std::vector<Offender> Archive::offenders(std::size_t max, WallTime since) {
    std::map<core::Prefix, Offender> by_source;
    if (store_) {
        for (const Offender& offender : value_or_fail(store_->offenders(max, since))) {
            by_source.emplace(offender.source, offender);
        }
    }
    for (const Record& record : waiting_) {
        const core::Prefix* source = banned_by(record);
        if (source != nullptr && is_by_detection(record) && record.at >= since) {
            Offender& offender = by_source[*source];
            offender.source = *source;
            ++(record.soft ? offender.soft_bans : offender.bans);
            offender.last_ban = std::max(offender.last_ban, record.at);
        }
    }
    std::vector<Offender> offenders;
    offenders.reserve(by_source.size());
    for (const auto& [source, offender] : by_source) {
        offenders.push_back(offender);
    }
    std::ranges::sort(offenders, std::ranges::greater(), &Offender::last_ban);
    offenders.resize(std::min(offenders.size(), max));
    return offenders;
}

std::optional<Record> Archive::latest_ban(const core::Prefix& source) {
    for (const Record& record : std::views::reverse(waiting_)) {
        if (const core::Prefix* banned = banned_by(record); banned != nullptr && *banned == source) {
            return record;
        }
    }
    return store_ ? value_or_fail(store_->latest_ban(source)) : std::nullopt;
}

EarlierBans Archive::earlier_bans(const core::Address& address, WallTime before) {
    EarlierBans earlier;
    if (store_) {
        earlier = value_or_fail(store_->earlier_bans(address, before));
    }
    for (const Record& record : waiting_) {
        const core::Prefix* source = banned_by(record);
        if (source != nullptr && source->contains(address) && record.at < before) {
            ++earlier.count;
            earlier.last = record;
        }
    }
    return earlier;
}

}  // namespace farewell::history
