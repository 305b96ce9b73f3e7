// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/flow_worker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <future>
#include <latch>
#include <mutex>
#include <vector>

#include "scenario.hpp"

namespace farewell::daemon {
namespace {

using namespace std::chrono_literals;
using core::Address;
using core::Prefix;
using test::source;
using Addresses = std::vector<Address>;

/// What the kernel would say, and what it was asked.
struct Table {
    std::mutex mutex;
    Addresses established;
    bool is_broken = false;
    std::vector<Addresses> questions;
    std::vector<std::vector<Prefix>> removals;
    std::vector<std::chrono::steady_clock::time_point> walks;
    std::latch* hold = nullptr;  // the first walk ends not before this opens
};

class FakeFlowTable final : public conntrack::FlowTable {
 public:
    explicit FakeFlowTable(Table& table) : table_(table) {}

    std::expected<Addresses, Error> proven(std::span<const Address> sources) override {
        begin_walk();
        const std::scoped_lock lock(table_.mutex);
        table_.questions.emplace_back(sources.begin(), sources.end());
        if (table_.is_broken) {
            return std::unexpected(Error{.operation = "list", .errno_number = ENOMEM});
        }
        Addresses found;
        std::ranges::set_intersection(sources, table_.established, std::back_inserter(found));
        return found;
    }
    std::expected<std::size_t, Error> remove_flows(std::span<const Prefix> sources) override {
        begin_walk();
        const std::scoped_lock lock(table_.mutex);
        table_.removals.emplace_back(sources.begin(), sources.end());
        return sources.size() * 2;
    }

 private:
    void begin_walk() {
        std::latch* hold = nullptr;
        {
            const std::scoped_lock lock(table_.mutex);
            table_.walks.push_back(std::chrono::steady_clock::now());
            hold = std::exchange(table_.hold, nullptr);
        }
        if (hold != nullptr) {
            hold->wait();
        }
    }
    Table& table_;
};

class FlowWorkerTest : public testing::Test {
 protected:
    std::unique_ptr<FlowWorker> start(FlowWorker::Rest rest = 0ms) {
        return std::make_unique<FlowWorker>(std::make_unique<FakeFlowTable>(table), rest);
    }
    /// What the worker answers, some day.
    static std::future<Addresses> ask(FlowWorker& worker, Addresses sources) {
        std::promise<Addresses> promise;
        std::future<Addresses> future = promise.get_future();
        EXPECT_TRUE(worker.prove(
            std::move(sources),
            [promise = std::move(promise)](const Addresses& proven) mutable { promise.set_value(proven); }));
        return future;
    }
    void wait_for_walk() {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (true) {
            const std::scoped_lock lock(table.mutex);
            if (!table.walks.empty()) {
                return;
            }
            ASSERT_LT(std::chrono::steady_clock::now(), limit);
        }
    }
    static Addresses answer(std::future<Addresses>& future) {
        EXPECT_EQ(future.wait_for(10s), std::future_status::ready);
        return future.get();
    }

    Table table;
};

TEST_F(FlowWorkerTest, EachIsToldOfItsOwn) {
    table.established = {source(1), source(3)};
    const auto worker = start();
    auto one = ask(*worker, {source(1), source(2)});
    auto two = ask(*worker, {source(3), source(1), source(3)});
    auto none = ask(*worker, {source(4)});
    EXPECT_EQ(answer(one), Addresses{source(1)});
    EXPECT_EQ(answer(two), (Addresses{source(1), source(3)}));
    EXPECT_EQ(answer(none), Addresses());
    EXPECT_EQ(worker->counters().asked, 6U);
}

TEST_F(FlowWorkerTest, WhatComesDuringAWalkIsOneWalk) {
    std::latch hold(1);
    table.hold = &hold;
    const auto worker = start();
    auto first = ask(*worker, {source(1)});
    wait_for_walk();
    std::vector<std::future<Addresses>> rest;
    for (std::uint32_t i = 2; i < 102; ++i) {
        rest.push_back(ask(*worker, {source(i)}));
        EXPECT_TRUE(worker->cut(Prefix::of(source(i))));
        EXPECT_TRUE(worker->cut(Prefix::of(source(7))));
    }
    hold.count_down();
    answer(first);
    for (auto& future : rest) {
        answer(future);
    }
    const std::scoped_lock lock(table.mutex);
    ASSERT_EQ(table.questions.size(), 2U);
    EXPECT_EQ(table.questions[1].size(), 100U);
    ASSERT_EQ(table.removals.size(), 1U);
    EXPECT_EQ(table.removals[0].size(), 100U) << "each once";
}

TEST_F(FlowWorkerTest, ItRestsBetweenWalks) {
    const auto worker = start(50ms);
    for (std::uint32_t i = 0; i < 3; ++i) {
        auto future = ask(*worker, {source(i)});
        answer(future);
    }
    const std::scoped_lock lock(table.mutex);
    ASSERT_EQ(table.walks.size(), 3U);
    EXPECT_GE(table.walks[2] - table.walks[0], 100ms);
}

TEST_F(FlowWorkerTest, ItHasRoomForSoManyAndNoMore) {
    std::latch hold(1);
    table.hold = &hold;
    const auto worker = start();
    auto first = ask(*worker, {source(1)});
    wait_for_walk();
    EXPECT_TRUE(worker->prove(Addresses(FlowWorker::kWaitingMax, source(1)), [](const Addresses&) {}));
    EXPECT_FALSE(worker->prove({source(2)}, [](const Addresses&) { FAIL() << "it was turned away"; }));
    for (std::size_t i = 0; i < FlowWorker::kWaitingMax; ++i) {
        EXPECT_TRUE(worker->cut(Prefix::of(source(1))));
    }
    EXPECT_FALSE(worker->cut(Prefix::of(source(2))));
    EXPECT_EQ(worker->counters().turned_away, 2U);
    hold.count_down();
    answer(first);
    // What has waited is taken at once, and leaves its room.
    auto last = std::make_shared<std::promise<Addresses>>();
    auto future = last->get_future();
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!worker->prove({source(9)}, [last](const Addresses& proven) { last->set_value(proven); })) {
        ASSERT_LT(std::chrono::steady_clock::now(), limit);
    }
    answer(future);
}

TEST_F(FlowWorkerTest, AnErrorProvesNobodyAndIsCounted) {
    table.is_broken = true;
    table.established = {source(1)};
    const auto worker = start();
    auto refused = ask(*worker, {source(1)});
    EXPECT_EQ(answer(refused), Addresses());
    {
        const std::scoped_lock lock(table.mutex);
        table.is_broken = false;
    }
    auto later = ask(*worker, {source(1)});
    EXPECT_EQ(answer(later), Addresses{source(1)});
    EXPECT_EQ(worker->counters().failed, 1U);
    EXPECT_EQ(worker->counters().walks, 2U);
}

TEST_F(FlowWorkerTest, TheEndDoesNotWaitForWhatWaits) {
    auto worker = start(1h);
    auto first = ask(*worker, {source(1)});
    answer(first);
    EXPECT_TRUE(worker->cut(Prefix::of(source(2))));
    worker.reset();  // in its hour of rest
    EXPECT_TRUE(table.removals.empty());
}

}  // namespace
}  // namespace farewell::daemon
