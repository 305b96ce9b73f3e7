// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/offence_book.hpp"

#include <algorithm>

namespace farewell::core {
namespace {

constexpr std::uint8_t kOneCustomer = 64;

Prefix offender_of(const Prefix& source) {
    const bool is_within = source.address.family() == Family::ipv6 && source.length > kOneCustomer;
    return is_within ? Prefix::of(source.address, kOneCustomer) : source;
}

}  // namespace

OffenceBook::OffenceBook(const Limits& limits)
    : most_(limits.offenders_max),
      window_(limits.repeat_window),
      entries_(KeyedHash{.key = limits.hash_key}) {}

std::uint32_t OffenceBook::add(const Prefix& source, Time now) {
    const std::uint32_t before = count(source, now);
    put(offender_of(source), {.count = before + 1, .last = now});
    return before + 1;
}

void OffenceBook::restore(const Prefix& source, std::uint32_t count, Time last) {
    const Prefix offender = offender_of(source);
    const Entry* known = entries_.find(offender);
    if (known == nullptr) {
        put(offender, {.count = count, .last = last});
    } else {
        put(offender, {.count = std::max(count, known->count), .last = std::max(last, known->last)});
    }
}

std::uint32_t OffenceBook::count(const Prefix& source, Time now) const {
    const Entry* known = entries_.find(offender_of(source));
    return known == nullptr || is_over(*known, now) ? 0 : known->count;
}

void OffenceBook::put(const Prefix& offender, const Entry& entry) {
    if (const Entry* known = entries_.find(offender); known != nullptr) {
        oldest_first_.erase({known->last, offender});
    }
    entries_.put(offender, entry);
    oldest_first_.emplace(entry.last, offender);
    while (oldest_first_.size() > most_) {
        forget_oldest();
    }
}

void OffenceBook::forget_expired(Time now) {
    while (!oldest_first_.empty() && now - oldest_first_.begin()->first > window_) {
        forget_oldest();
    }
}

void OffenceBook::forget_oldest() {
    entries_.erase(oldest_first_.begin()->second);
    oldest_first_.erase(oldest_first_.begin());
}

void OffenceBook::reconfigure(const Limits& limits, Time now) {
    most_ = limits.offenders_max;
    window_ = limits.repeat_window;
    forget_expired(now);
}

std::chrono::nanoseconds duration_of(std::chrono::nanoseconds first, std::uint32_t offence,
                                     const Limits& limits) {
    std::chrono::nanoseconds duration = first;
    // Not by a power: the product could be more than 64 bits hold.
    for (std::uint32_t i = 1; i < offence && duration < limits.ban_duration_max && limits.repeat_factor > 1;
         ++i) {
        const bool is_last = duration > limits.ban_duration_max / limits.repeat_factor;
        duration = is_last ? limits.ban_duration_max : duration * limits.repeat_factor;
    }
    return duration;
}

}  // namespace farewell::core
