// SPDX-License-Identifier: GPL-2.0-or-later
// A metric as Prometheus has them, and its text exposition format 0.0.4. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farewell::report {

enum class MetricType : std::uint8_t { counter, gauge };

[[nodiscard]] constexpr std::string_view name_of(MetricType type) {
    return type == MetricType::counter ? "counter" : "gauge";
}

struct MetricLabel {
    std::string name;
    std::string value;
    friend bool operator==(const MetricLabel&, const MetricLabel&) = default;
};

struct MetricSample {
    std::vector<MetricLabel> labels;
    double value = 0;
    friend bool operator==(const MetricSample&, const MetricSample&) = default;
};

struct Metric {
    std::string name;
    MetricType type = MetricType::gauge;
    std::string help;
    std::vector<MetricSample> samples;
    friend bool operator==(const Metric&, const Metric&) = default;
};

/// The whole page; values of labels and helps are escaped.
[[nodiscard]] std::string metrics_to_text(std::span<const Metric> metrics);

/// farewell/metrics/v1.
[[nodiscard]] nlohmann::json metrics_to_json(std::span<const Metric> metrics);
/// Of such a document; throws what nlohmann::json throws when it is none.
[[nodiscard]] std::vector<Metric> metrics_from_json(const nlohmann::json& document);

}  // namespace farewell::report
