// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/metric.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace farewell::report {
namespace {

Metric packets() {
    return {.name = "farewell_packets_total",
            .type = MetricType::counter,
            .help = "Packets received.",
            .samples = {{.labels = {{.name = "queue", .value = "0"}}, .value = 12},
                        {.labels = {{.name = "queue", .value = "1"}}, .value = 3'000'000'000}}};
}

TEST(MetricText, HasHelpAndTypeOnceAndASampleALine) {
    EXPECT_EQ(metrics_to_text(std::vector{packets()}),
              "# HELP farewell_packets_total Packets received.\n"
              "# TYPE farewell_packets_total counter\n"
              "farewell_packets_total{queue=\"0\"} 12\n"
              "farewell_packets_total{queue=\"1\"} 3000000000\n");
}

TEST(MetricText, AMetricWithoutLabelsHasNoBraces) {
    EXPECT_EQ(metrics_to_text(std::vector{Metric{
                  .name = "farewell_up", .type = MetricType::gauge, .help = "h", .samples = {{{}, 0.25}}}}),
              "# HELP farewell_up h\n# TYPE farewell_up gauge\nfarewell_up 0.25\n");
}

TEST(MetricText, EscapesWhatWouldEndALineOrAValue) {
    const Metric metric{.name = "m",
                        .type = MetricType::gauge,
                        .help = "one\ntwo \\ \"three\"",
                        .samples = {{.labels = {{.name = "kind", .value = "a\"b\\c\nd"}}, .value = 1}}};
    EXPECT_EQ(metrics_to_text(std::vector{metric}),
              "# HELP m one\\ntwo \\\\ \"three\"\n# TYPE m gauge\nm{kind=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(MetricJson, ReadsBackWhatItWrote) {
    const std::vector metrics{packets()};
    const nlohmann::json document = metrics_to_json(metrics);
    EXPECT_EQ(document.at("schema"), "farewell/metrics/v1");
    EXPECT_EQ(metrics_from_json(document), metrics);
}

}  // namespace
}  // namespace farewell::report
