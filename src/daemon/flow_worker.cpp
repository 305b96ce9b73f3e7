// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/flow_worker.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stop_token>
#include <utility>

namespace farewell::daemon {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRestOfAWalk = 4;  // a large table costs a fifth of one processor at most

template <typename Value>
void sort_out(std::vector<Value>& values) {
    std::ranges::sort(values);
    const auto repeated = std::ranges::unique(values);
    values.erase(repeated.begin(), repeated.end());
}

}  // namespace

FlowWorker::FlowWorker(std::unique_ptr<conntrack::FlowTable> table, Rest rest)
    : table_(std::move(table)), rest_(rest), thread_([this](const std::stop_token& stop) { work(stop); }) {}

bool FlowWorker::prove(std::vector<core::Address> sources, OnProven on_proven) {
    {
        const std::scoped_lock lock(mutex_);
        if (sources_waiting_ + sources.size() > kWaitingMax) {
            counters_.turned_away += sources.size();
            return false;
        }
        counters_.asked += sources.size();
        sources_waiting_ += sources.size();
        questions_.push_back({.sources = std::move(sources), .on_proven = std::move(on_proven)});
    }
    changed_.notify_one();
    return true;
}

bool FlowWorker::cut(const core::Prefix& source) {
    {
        const std::scoped_lock lock(mutex_);
        if (to_cut_.size() >= kWaitingMax) {
            ++counters_.turned_away;
            return false;
        }
        to_cut_.push_back(source);
    }
    changed_.notify_one();
    return true;
}

FlowWorker::Counters FlowWorker::counters() const {
    const std::scoped_lock lock(mutex_);
    return counters_;
}

void FlowWorker::work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        std::vector<Question> questions;
        std::vector<core::Prefix> to_cut;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, stop, [this] { return !questions_.empty() || !to_cut_.empty(); });
            to_cut = std::exchange(to_cut_, {});
            questions = std::exchange(questions_, {});
            sources_waiting_ = 0;
        }
        if (!to_cut.empty() && !stop.stop_requested()) {  // first: somebody is still connected
            const auto began = Clock::now();
            remove(std::move(to_cut));
            rest(stop, Clock::now() - began);
        }
        if (!questions.empty() && !stop.stop_requested()) {
            const auto began = Clock::now();
            answer(std::move(questions));
            rest(stop, Clock::now() - began);
        }
    }
}

/// Ends early when all ends.
void FlowWorker::rest(const std::stop_token& stop, std::chrono::nanoseconds walk) {
    const auto duration = std::max<std::chrono::nanoseconds>(rest_, walk * kRestOfAWalk);
    std::unique_lock lock(mutex_);
    static_cast<void>(changed_.wait_for(lock, stop, duration, [] { return false; }));
}

void FlowWorker::answer(std::vector<Question> questions) {
    std::vector<core::Address> sources;
    for (const Question& question : questions) {
        sources.insert(sources.end(), question.sources.begin(), question.sources.end());
    }
    sort_out(sources);
    const auto proven = table_->proven(sources);
    tell(proven ? nullptr : &proven.error());
    {
        const std::scoped_lock lock(mutex_);
        ++counters_.walks;
        counters_.failed += proven ? 0U : 1U;
        counters_.proven += proven ? proven->size() : 0U;
    }
    for (Question& question : questions) {
        std::vector<core::Address> its_own;
        if (proven) {
            sort_out(question.sources);
            std::ranges::set_intersection(question.sources, *proven, std::back_inserter(its_own));
        }
        question.on_proven(its_own);
    }
}

void FlowWorker::remove(std::vector<core::Prefix> sources) {
    sort_out(sources);
    const auto removed = table_->remove_flows(sources);
    tell(removed ? nullptr : &removed.error());
    const std::scoped_lock lock(mutex_);
    ++counters_.walks;
    counters_.failed += removed ? 0U : 1U;
    counters_.removed += removed.value_or(0);
}

void FlowWorker::tell(const Error* error) {
    if (error != nullptr && !is_in_trouble_) {
        spdlog::warn("{}; connections of banned sources may go on", error->message());
    } else if (error == nullptr && is_in_trouble_) {
        spdlog::info("tracked connections can be reached again");
    }
    is_in_trouble_ = error != nullptr;
}

}  // namespace farewell::daemon
