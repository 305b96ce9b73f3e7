// SPDX-License-Identifier: GPL-2.0-or-later
// The metrics, and whether what is written about them (docs/metrics.md, packaging) is true.
#include "daemon/metrics.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>
#include <string>

#include "project_text.hpp"

namespace farewell::daemon {
namespace {

using report::Metric;
using report::MetricLabel;
using Names = std::set<std::string>;

/// A daemon that has everything there is to tell of.
MetricsFacts everything() {
    MetricsFacts facts;
    facts.status.version = "1.2.3";
    source::LaneStatus lane{.number = 3,
                            .packets = 70,
                            .lost_in_socket = 5,
                            .lost_in_queue = 6,
                            .waiting = 7,
                            .receive_buffer_bytes = 8,
                            .counts = {},
                            .waits = {}};
    lane.counts.probes_lost = 2;
    lane.counts.rules[static_cast<std::size_t>(core::Rule::syn)] = 40;
    lane.counts.rules[static_cast<std::size_t>(core::Rule::icmp)] = 9;
    lane.counts.undecoded[static_cast<std::size_t>(core::DecodeError::not_ip)] = 1;
    source::LaneStatus idle;
    idle.number = 4;
    facts.status.lanes = {lane, idle};
    facts.status.history.emplace();
    facts.bans_wanted = 10;
    facts.status.verdict_p99 = std::chrono::microseconds(20);
    return facts;
}

std::optional<double> value(const MetricsFacts& facts, const std::string& name,
                            const std::vector<MetricLabel>& labels = {}) {
    for (const Metric& metric : metrics_of(facts)) {
        for (const report::MetricSample& sample : metric.samples) {
            if (metric.name == name && sample.labels == labels) {
                return sample.value;
            }
        }
    }
    return std::nullopt;
}

TEST(Metrics, ALaneHasItsOwnSamples) {
    const MetricsFacts facts = everything();
    const MetricLabel three{.name = "queue", .value = "3"};
    EXPECT_EQ(value(facts, "farewell_packets_total", {three}), 70);
    EXPECT_EQ(value(facts, "farewell_packets_lost_total", {three, {.name = "kind", .value = "socket"}}), 5);
    EXPECT_EQ(value(facts, "farewell_packets_lost_total", {three, {.name = "kind", .value = "queue"}}), 6);
    EXPECT_EQ(value(facts, "farewell_queue_waiting_packets", {three}), 7);
    EXPECT_EQ(value(facts, "farewell_probes_lost_total", {three}), 2);
    EXPECT_EQ(value(facts, "farewell_packets_total", {{.name = "queue", .value = "4"}}), 0);
}

TEST(Metrics, NoVerdictHasNoTime) {
    MetricsFacts facts = everything();
    EXPECT_DOUBLE_EQ(value(facts, "farewell_verdict_p99_seconds").value(), 20e-6);
    facts.status.verdict_p99.reset();
    EXPECT_EQ(value(facts, "farewell_verdict_p99_seconds"), std::nullopt);
}

TEST(Metrics, EveryRuleIsThereFromTheStartAndInOneMetric) {
    const MetricsFacts facts = everything();
    EXPECT_EQ(value(facts, "farewell_probes_total", {{.name = "rule", .value = "syn"}}), 40);
    EXPECT_EQ(value(facts, "farewell_disregarded_packets_total", {{.name = "rule", .value = "icmp"}}), 9);
    EXPECT_EQ(value(facts, "farewell_undecoded_packets_total", {{.name = "kind", .value = "not_ip"}}), 1);
    for (const core::RuleRow& row : core::rules()) {
        const std::vector<MetricLabel> label{{.name = "rule", .value = std::string(row.name)}};
        EXPECT_NE(value(facts, "farewell_probes_total", label).has_value(),
                  value(facts, "farewell_disregarded_packets_total", label).has_value())
            << row.name;
    }
}

TEST(Metrics, BansThatTheKernelRefusesAreNotActive) {
    MetricsFacts facts = everything();
    EXPECT_EQ(value(facts, "farewell_bans_active"), 10);
    facts.status.refused = 4;
    EXPECT_EQ(value(facts, "farewell_bans_active"), 6);
    EXPECT_EQ(value(facts, "farewell_bans_missing"), 4);
}

TEST(Metrics, DegradedTellsEachTroubleApart) {
    const auto degraded = [](const MetricsFacts& facts) {
        Names kinds;
        for (const char* kind : {"budget", "history", "memory", "nftables"}) {
            if (value(facts, "farewell_degraded", {{.name = "kind", .value = kind}}) == 1) {
                kinds.insert(kind);
            }
        }
        return kinds;
    };
    EXPECT_EQ(degraded(everything()), Names());
    MetricsFacts facts = everything();
    facts.status.history->trouble = "the disk is full";
    EXPECT_EQ(degraded(facts), Names{"history"});
    facts = everything();
    facts.is_memory_short = true;
    EXPECT_EQ(degraded(facts), Names{"memory"});
    facts = everything();
    facts.status.trouble = "more than 3 bans within a minute";
    facts.is_budget_spent = true;
    EXPECT_EQ(degraded(facts), Names{"budget"});
    facts.status.is_kernel_refusing = true;
    EXPECT_EQ(degraded(facts), (Names{"budget", "nftables"}));
}

TEST(Metrics, WhatIsOffIsNotThere) {
    MetricsFacts facts = everything();
    EXPECT_EQ(value(facts, "farewell_history_enabled"), 1);
    facts.status.history.reset();
    EXPECT_EQ(value(facts, "farewell_history_enabled"), 0);
    EXPECT_EQ(value(facts, "farewell_history_events"), std::nullopt);
    EXPECT_EQ(value(facts, "farewell_textfile_failures_total"), 0);
    facts.status.metrics_file = MetricsFile::Status{.failures = 3, .trouble = {}};
    EXPECT_EQ(value(facts, "farewell_textfile_failures_total"), 3);
}

TEST(Metrics, FollowTheConventionsOfNames) {
    Names names;
    for (const Metric& metric : metrics_of(everything())) {
        EXPECT_TRUE(names.insert(metric.name).second) << metric.name << " is there twice";
        EXPECT_EQ(metric.name.ends_with("_total"), metric.type == report::MetricType::counter) << metric.name;
        EXPECT_FALSE(metric.help.empty()) << metric.name;
        EXPECT_FALSE(metric.samples.empty()) << metric.name;
        for (const report::MetricSample& sample : metric.samples) {
            for (const MetricLabel& label : sample.labels) {
                EXPECT_TRUE((Names{"kind", "queue", "rule", "version"}.contains(label.name))) << label.name;
            }
        }
    }
}

// What is written about them.

Names names_of(const MetricsFacts& facts) {
    Names names;
    for (const Metric& metric : metrics_of(facts)) {
        names.insert(metric.name);
    }
    return names;
}

TEST(MetricsDocuments, TheListNamesExactlyWhatThereIs) {
    EXPECT_EQ(test::matches(test::project_text("docs/metrics.md"), std::regex(R"(\n\| `(farewell_\w+))")),
              names_of(everything()));
}

void expect_known_names(const Names& named, const std::string& where) {
    const Names known = names_of(everything());
    EXPECT_FALSE(named.empty()) << where;
    for (const std::string& name : named) {
        EXPECT_TRUE(known.contains(name)) << where << " names " << name;
    }
}

TEST(MetricsDocuments, EveryMetricOfTheDashboardIsThere) {
    const auto dashboard = nlohmann::json::parse(test::project_text("packaging/grafana/farewell.json"));
    for (const auto& panel : dashboard.at("panels")) {
        if (panel.at("type") == "row") {
            continue;
        }
        ASSERT_FALSE(panel.at("targets").empty()) << panel.at("title");
        for (const auto& target : panel.at("targets")) {
            const std::string query = target.at("expr");
            expect_known_names(test::matches(query, std::regex(R"(\b(farewell_\w+))")), query);
        }
    }
}

TEST(MetricsDocuments, EveryMetricOfTheAlertRulesIsThere) {
    const std::string rules = test::project_text("packaging/prometheus/farewell.rules.yml");
    for (const std::string& query : test::matches(rules, std::regex(R"(\n\s+expr: (.+))"))) {
        if (query.find("farewell_") != std::string::npos) {
            expect_known_names(test::matches(query, std::regex(R"(\b(farewell_\w+))")), query);
        }
    }
}

}  // namespace
}  // namespace farewell::daemon
