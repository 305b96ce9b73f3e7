// SPDX-License-Identifier: GPL-2.0-or-later
// The engine thread over the real kernel, while what it says goes wrong: refused, lost on the way there, or
// done with the answer lost on the way back. Needs root.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "daemon/clock.hpp"
#include "daemon/engine_loop.hpp"
#include "daemon/test_ask.hpp"
#include "enforce/nft_enforcer.hpp"
#include "scenario.hpp"

namespace farewell::daemon {
namespace {

using namespace std::chrono_literals;
using test::alone;
using test::probe;
using test::source;

constexpr std::uint32_t kSources = 300;

/// The real one, one call in three of which goes wrong while `faults` says so.
class FaultyTransport final : public nft::Transport {
 public:
    FaultyTransport(std::uint32_t seed, const std::atomic<bool>& faults)
        : real_(nft::open_transport().value()), random_(seed), faults_(faults) {}

    int commit(std::span<const std::byte> batch, std::uint32_t first, std::uint32_t last) override {
        const Fault fault = next();
        if (fault.reason != 0 && !fault.is_done) {
            return fault.reason;
        }
        const int reason = real_->commit(batch, first, last);
        return fault.reason != 0 ? fault.reason : reason;
    }
    int query(std::span<const std::byte> request, std::uint32_t sequence,
              const std::function<void(const nlmsghdr&)>& on_message) override {
        if (const Fault fault = next(); fault.reason != 0) {
            return fault.reason;
        }
        return real_->query(request, sequence, on_message);
    }
    std::expected<void, std::string> run(const std::string& text) override {
        const Fault fault = next();
        if (fault.reason != 0 && !fault.is_done) {
            return std::unexpected("not done");
        }
        auto outcome = real_->run(text);
        if (fault.reason != 0) {
            return std::unexpected("done, but not said so");
        }
        return outcome;
    }
    [[nodiscard]] std::uint32_t port() const override { return real_->port(); }

 private:
    struct Fault {
        int reason;
        bool is_done;  // the kernel has done it all the same
    };
    Fault next() {
        static constexpr std::array kReasons{EPERM, ENOBUFS, ENOMEM, ETIMEDOUT};
        const auto drawn = static_cast<std::uint32_t>(random_());
        return {.reason = faults_ && drawn % 3 == 0 ? kReasons.at(drawn / 3 % kReasons.size()) : 0,
                .is_done = drawn / 12 % 2 == 0};
    }

    std::unique_ptr<nft::Transport> real_;
    std::mt19937 random_;
    const std::atomic<bool>& faults_;
};

class FaultsKernelTest : public testing::TestWithParam<std::uint32_t> {
 protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root";
        }
        ASSERT_EQ(unshare(CLONE_NEWNET), 0);  // every test is a process of its own under ctest
        auto enforcer =
            std::make_unique<enforce::NftEnforcer>(enforce::NftSettings{.table = "farewell_test"},
                                                   std::make_unique<FaultyTransport>(GetParam(), faults));
        ASSERT_TRUE(enforcer->build());
        loop = std::make_unique<EngineLoop>(core::Engine({}, {}), std::move(enforcer),
                                            EngineLoop::Wiring{.rings = {&ring},
                                                               .allowlist = {},
                                                               .enforcer_name = "table farewell_test",
                                                               .observing = false});
        thread = std::jthread([this](const std::stop_token& stop) { loop->run(stop); });
    }

    template <typename Question>
    auto ask(Question question) {
        return ask_on(*loop, question);
    }
    void scan(std::uint32_t first, std::uint32_t last) {
        for (std::uint32_t who = first; who < last; ++who) {
            for (std::uint16_t port = 1; port <= 10; ++port) {
                while (!ring.push({.probe = probe(source(who), port), .at = boot_now()})) {
                    loop->on_probes();
                    std::this_thread::yield();
                }
            }
        }
        loop->on_probes();
    }
    /// By a transport without faults.
    static std::set<core::Prefix> held() {
        enforce::NftEnforcer witness({.table = "farewell_test"});
        std::set<core::Prefix> sources;
        if (const auto listed = witness.list()) {
            for (const enforce::EnforcedBan& ban : *listed) {
                sources.insert(ban.source);
            }
        }
        return sources;
    }

    std::atomic<bool> faults{false};
    source::ProbeRing ring;
    std::unique_ptr<EngineLoop> loop;
    std::jthread thread;
};

TEST_P(FaultsKernelTest, WhatIsWantedIsInForceOnceTheKernelListens) {
    faults = true;
    scan(0, kSources / 2);
    ASSERT_EQ(std::system("nft flush ruleset"), 0);  // NOLINT: what others do
    loop->post([](EngineLoop& running) { running.verify("nft"); });
    scan(kSources / 2, kSources);
    for (const std::uint32_t who : {1U, 2U, 3U}) {  // orders, whatever becomes of them
        ask([who](EngineLoop& running) { return running.unban(alone(who)).has_value(); });
        ask([who](EngineLoop& running) { return running.ban(alone(who), 1h).has_value(); });
    }
    faults = false;
    const auto limit = std::chrono::steady_clock::now() + 60s;
    std::set<core::Prefix> wanted;
    bool is_well = false;
    while (!is_well && std::chrono::steady_clock::now() < limit) {
        wanted.clear();
        is_well = ask([&wanted](EngineLoop& running) {
                      for (const core::Ban& ban : running.engine().wanted(boot_now())) {
                          wanted.insert(ban.source);
                      }
                      return running.trouble().empty() && running.refused() == 0;
                  }) &&
                  wanted.size() == kSources && held() == wanted;
        std::this_thread::yield();
    }
    EXPECT_EQ(wanted.size(), kSources);
    EXPECT_EQ(held(), wanted);
    EXPECT_EQ(ask([](EngineLoop& running) { return running.trouble(); }), "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, FaultsKernelTest, testing::Range(1U, 6U));

}  // namespace
}  // namespace farewell::daemon
