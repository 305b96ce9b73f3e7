// SPDX-License-Identifier: GPL-2.0-or-later
// The source table looked through as a whole: who has tried most.
#include <algorithm>
#include <functional>
#include <limits>

#include "core/source_table.hpp"

namespace farewell::core {
namespace {

constexpr std::uint8_t kScoreMax = 255;  // a score says no more than that it is at least this
constexpr std::uint32_t kUnknown = std::numeric_limits<std::uint32_t>::max();

}  // namespace

std::size_t SourceTable::count_with(std::uint32_t least, Time now) const {
    std::size_t count = 0;
    for_each(now, [&](const Set& set, std::size_t way) {
        count += counts(set, way, tick_of(now)).distinct >= least ? 1U : 0U;
    });
    return count;
}

std::vector<SourceTable::Ranked> SourceTable::top(std::size_t most, Time now) const {
    // A heap of at most `most`, the least of them in front.
    const auto more = [](const Ranked& one, const Ranked& other) { return one.distinct > other.distinct; };
    std::vector<Ranked> ranked;
    for_each(now, [&](const Set& set, std::size_t way) {
        ranked.push_back({.subject = subject_of(set.record[way], set.state[way]),
                          .distinct = counts(set, way, tick_of(now)).distinct});
        std::ranges::push_heap(ranked, more);
        if (ranked.size() > most) {
            std::ranges::pop_heap(ranked, more);
            ranked.pop_back();
        }
    });
    std::ranges::sort_heap(ranked, more);
    return ranked;
}

std::uint32_t SourceTable::at_most(const Set& set, std::size_t way, Scale scale) {
    if (scale == Scale::weight) {
        return set.score[way] == kScoreMax ? kUnknown : set.score[way];
    }
    return set.state[way].in_store != 0 ? kUnknown : set.state[way].items;
}

std::vector<SourceTable::Standing> SourceTable::nearest(std::size_t most, Time now, Scale scale,
                                                        std::uint32_t lowest, const Bar& bar) const {
    if (most == 0) {
        return {};
    }
    const auto nearer = [](const Standing& one, const Standing& other) { return one.share > other.share; };
    const Tick tick = tick_of(now);
    std::vector<Standing> ranked;  // a heap, the farthest in front
    double entry = 0;              // what it takes to be among them
    for_each(now, [&](const Set& set, std::size_t way) {
        // What an item weighed when it was tried it may weigh no more, so this is never too low.
        if (at_most(set, way, scale) <= entry * lowest) {
            return;
        }
        const Record& record = set.record[way];
        const Subject subject = subject_of(record, set.state[way]);
        const Counts counts = this->counts(set, way, tick);
        const std::uint32_t needed = bar(subject);
        const double share =
            needed == 0
                ? 0.0
                : static_cast<double>(scale == Scale::weight ? counts.weight : counts.distinct) / needed;
        if (share <= entry) {
            return;
        }
        ranked.push_back({.subject = subject,
                          .distinct = counts.distinct,
                          .weight = counts.weight,
                          .notes = record.notes,
                          .last = now - (tick - set.last[way]) * tick_length_,
                          .share = share});
        std::ranges::push_heap(ranked, nearer);
        if (ranked.size() > most) {
            std::ranges::pop_heap(ranked, nearer);
            ranked.pop_back();
        }
        if (ranked.size() == most) {
            entry = ranked.front().share;
        }
    });
    std::ranges::sort_heap(ranked, nearer);
    return ranked;
}

}  // namespace farewell::core
