// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/daemon_facts.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace farewell::doctor {
namespace {

using nlohmann::json;

json status() {
    return json::parse(R"({"schema":"farewell/status/v1","version":"1.2.3","pid":812,"mode":"observe",
        "source":"nfqueue","config":{"files":["/etc/farewell/farewell.toml"],"loaded":"2026-11-25T08:00:01.000Z"},
        "packets":{"received":50,"probes_lost":1},
        "queues":[{"number":4,"lost_in_socket":2,"lost_in_queue":3,"receive_buffer_bytes":900},
                  {"number":5,"lost_in_socket":0,"lost_in_queue":0,"receive_buffer_bytes":800}],
        "nftables":{"table":"inet t","enforced":6,"refusing":true},"trouble":"why","trap":{},
        "sources":{"degraded":true},"bans":{"wanted":7,"refused":8,"budget_spent":false},
        "history":{"enabled":true,"bytes":9,"bytes_max":10,"trouble":"full"},
        "metrics_file":{"failures":2,"trouble":"write x"}})");
}

TEST(DaemonFacts, AreThoseOfTheStatus) {
    const DaemonFacts facts = daemon_facts(status());
    EXPECT_TRUE(facts.is_observing);
    EXPECT_EQ(facts.lanes, (std::vector<std::uint16_t>{4, 5}));
    EXPECT_EQ(facts.lost, 6U) << "socket, queue and ring";
    EXPECT_EQ(facts.receive_buffer_min, 800U);
    EXPECT_TRUE(facts.has_trap);
    EXPECT_TRUE(facts.is_memory_short);
    EXPECT_FALSE(facts.is_budget_spent);
    EXPECT_TRUE(facts.is_kernel_refusing);
    EXPECT_EQ(facts.bans_enforced, 6U);
    EXPECT_EQ(facts.history_trouble, "full");
    EXPECT_EQ(facts.metrics_trouble, "write x");
}

TEST(DaemonFacts, WhatIsNotAStatusIsAnException) {
    EXPECT_THROW(static_cast<void>(daemon_facts(json::object())), json::exception);
}

TEST(DaemonFacts, WhoIsProtectedAndWhy) {
    EXPECT_EQ(protection_of({{"allowlisted", true}}), "the allowlist");
    EXPECT_EQ(protection_of({{"allowlisted", false}, {"protected_as", "gateway"}}), "gateway");
    EXPECT_EQ(protection_of({{"allowlisted", false}}), "");
}

TEST(DaemonFacts, TheCommandLineNamesTheConfiguration) {
    const auto sources =
        sources_of(std::vector<std::string>{"--config", "/a.toml", "--set", "capture.queues=7", "--observe",
                                            "--set=log.level=debug", "--verbose"});
    EXPECT_EQ(sources.file, "/a.toml");
    EXPECT_EQ(sources.overrides,
              (std::vector<std::string>{"capture.queues=7", "mode=observe", "log.level=debug"}));
    EXPECT_EQ(sources_of(std::vector<std::string>{"--config=/b.toml"}).file, "/b.toml");
    EXPECT_FALSE(sources_of({}).file);
    EXPECT_FALSE(sources_of(std::vector<std::string>{"--config"}).file) << "cut short";
}

}  // namespace
}  // namespace farewell::doctor
