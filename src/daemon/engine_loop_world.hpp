// SPDX-License-Identifier: GPL-2.0-or-later
// For tests: an engine loop over an enforcer that a test scripts.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/clock.hpp"
#include "daemon/engine_loop.hpp"
#include "daemon/test_ask.hpp"
#include "scenario.hpp"

namespace farewell::daemon {

using namespace std::chrono_literals;
using enforce::EnforceError;
using enforce::Failure;
using test::alone;
using test::probe;
using test::source;

/// A kernel in memory. Used by the engine thread; looked at from tasks, which run there too.
class FakeEnforcer final : public enforce::Enforcer {
 public:
    std::expected<void, EnforceError> build() override {
        ++builds;
        is_there = true;
        std::this_thread::sleep_for(takes);
        busy_until = boot_now();
        return {};
    }
    std::expected<void, EnforceError> clear() override {
        held.clear();
        return {};
    }
    std::expected<void, EnforceError> remove() override { return clear(); }
    std::expected<void, EnforceError> ban(std::span<const core::Ban> bans, core::Time now) override {
        if (!is_there) {
            return fail(Failure::table_gone);
        }
        const bool refused =
            std::ranges::any_of(bans, [this](const core::Ban& ban) { return refuses.contains(ban.source); });
        if (refused) {
            return fail(Failure::set_full);
        }
        banned_at_once = std::max(banned_at_once, bans.size());
        for (const core::Ban& ban : bans) {
            held[ban.source] = ban.until - now;
            EXPECT_GE(now, busy_until) << "told of a time before";
        }
        return {};
    }
    std::expected<void, EnforceError> unban(std::span<const core::Prefix> sources) override {
        if (keeps_out) {
            return fail(Failure::other);
        }
        for (const core::Prefix& each : sources) {
            held.erase(each);
        }
        return {};
    }
    void forget_counts(std::span<const core::Prefix> sources) override {
        forgotten.insert(forgotten.end(), sources.begin(), sources.end());
        forgotten_at_once = std::max(forgotten_at_once, sources.size());
    }
    std::expected<void, EnforceError> allow(std::span<const core::Prefix> networks) override {
        allowed.assign(networks.begin(), networks.end());
        return is_there ? std::expected<void, EnforceError>() : fail(Failure::table_gone);
    }
    std::expected<bool, EnforceError> is_intact() override {
        return is_dumb ? std::expected<bool, EnforceError>(fail(Failure::other)) : is_there;
    }
    std::expected<std::vector<enforce::EnforcedBan>, EnforceError> list() override {
        std::this_thread::sleep_for(takes);
        std::vector<enforce::EnforcedBan> bans;
        bans.reserve(held.size());
        for (const auto& [who, time_left] : held) {
            bans.push_back({.source = who,
                            .time_left = std::chrono::ceil<std::chrono::milliseconds>(time_left - takes)});
        }
        return bans;
    }
    std::expected<std::optional<enforce::EnforcedBan>, EnforceError> get(const core::Prefix& who) override {
        if (!held.contains(who)) {
            return std::nullopt;
        }
        return enforce::EnforcedBan{.source = who};
    }

    bool is_there = true;
    bool keeps_out = false;
    bool is_dumb = false;
    std::vector<core::Prefix> allowed;
    std::vector<core::Prefix> forgotten;  // counts of theirs
    std::size_t forgotten_at_once = 0;    // at most, as the next
    std::size_t banned_at_once = 0;
    int builds = 0;
    std::chrono::nanoseconds takes{};  // to build and to list, as when somebody else changes the ruleset
    core::Time busy_until;
    std::map<core::Prefix, core::Time::duration> held;
    std::set<core::Prefix> refuses;

 private:
    static std::unexpected<EnforceError> fail(Failure failure) {
        return std::unexpected(EnforceError{.failure = failure, .message = "as the test wants"});
    }
};

class EngineLoopTest : public testing::Test {
 protected:
    EngineLoopTest() {
        spdlog::set_level(spdlog::level::info);  // there is a log before there are threads, as in the daemon
        auto owned = std::make_unique<FakeEnforcer>();
        kernel = owned.get();
        loop = std::make_unique<EngineLoop>(core::Engine({}, {}), std::move(owned),
                                            EngineLoop::Wiring{.rings = {&rings[0], &rings[1]},
                                                               .allowlist = {},
                                                               .enforcer_name = "table",
                                                               .observing = false,
                                                               .record = [this](history::Event event) {
                                                                   recorded.push_back(std::move(event));
                                                                   if (on_record) {
                                                                       on_record();
                                                                   }
                                                               }});
        thread = std::jthread([this](const std::stop_token& stop) { loop->run(stop); });
    }

    /// Asks on the engine thread.
    template <typename Question>
    auto ask(Question question) {
        return ask_on(*loop, question);
    }
    /// Ten ports of a source, over both rings as the kernel may scatter them.
    void scan(std::uint32_t who) {
        for (std::uint16_t port = 1; port <= 10; ++port) {
            ASSERT_TRUE(rings[port % 2U].push({.probe = probe(source(who), port), .at = boot_now()}));
        }
        loop->on_probes();
    }
    /// Until this is so of the kernel, as the engine thread sees it.
    template <typename Question>
    bool wait_for(Question question) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (std::chrono::steady_clock::now() < limit) {
            if (ask([&](EngineLoop&) { return question(*kernel); })) {
                return true;
            }
            std::this_thread::yield();
        }
        return false;
    }
    bool wait_held(std::uint32_t who) {
        return wait_for([who](const FakeEnforcer& held) { return held.held.contains(alone(who)); });
    }

    std::array<source::ProbeRing, 2> rings;
    FakeEnforcer* kernel = nullptr;
    std::vector<history::Event> recorded;  // engine thread, as the kernel
    std::function<void()> on_record;       // of it, on that thread
    std::unique_ptr<EngineLoop> loop;
    std::jthread thread;
};

}  // namespace farewell::daemon
