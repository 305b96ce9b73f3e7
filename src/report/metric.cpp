// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/metric.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace farewell::report {
namespace {

using nlohmann::json;

/// The format escapes backslashes and line ends everywhere, and quotes within the values of labels.
std::string escaped(std::string_view text, bool within_quotes) {
    std::string result;
    for (const char character : text) {
        if (character == '\n') {
            result += "\\n";
            continue;
        }
        if (character == '\\' || (within_quotes && character == '"')) {
            result += '\\';
        }
        result += character;
    }
    return result;
}

std::string labels_text(const std::vector<MetricLabel>& labels) {
    std::string text;
    for (const MetricLabel& label : labels) {
        text += fmt::format("{}{}=\"{}\"", text.empty() ? "{" : ",", label.name, escaped(label.value, true));
    }
    return text.empty() ? text : text + "}";
}

/// Counts without an exponent, so that people can read them.
std::string value_text(double value) {
    constexpr double kExactMax = 9'007'199'254'740'992;  // above, a double skips integers
    if (std::trunc(value) == value && std::abs(value) <= kExactMax) {
        return fmt::format("{:.0f}", value);
    }
    return fmt::format("{}", value);
}

}  // namespace

std::string metrics_to_text(std::span<const Metric> metrics) {
    std::string text;
    for (const Metric& metric : metrics) {
        text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", metric.name, escaped(metric.help, false),
                            name_of(metric.type));
        for (const MetricSample& sample : metric.samples) {
            text +=
                fmt::format("{}{} {}\n", metric.name, labels_text(sample.labels), value_text(sample.value));
        }
    }
    return text;
}

json metrics_to_json(std::span<const Metric> metrics) {
    json list = json::array();
    for (const Metric& metric : metrics) {
        json samples = json::array();
        for (const MetricSample& sample : metric.samples) {
            json labels = json::object();
            for (const MetricLabel& label : sample.labels) {
                labels[label.name] = label.value;
            }
            samples.push_back({{"labels", std::move(labels)}, {"value", sample.value}});
        }
        list.push_back({{"name", metric.name},
                        {"type", name_of(metric.type)},
                        {"help", metric.help},
                        {"samples", std::move(samples)}});
    }
    return {{"schema", "farewell/metrics/v1"}, {"metrics", std::move(list)}};
}

std::vector<Metric> metrics_from_json(const json& document) {
    std::vector<Metric> metrics;
    for (const json& each : document.at("metrics")) {
        Metric metric{.name = each.at("name"),
                      .type = each.at("type") == "counter" ? MetricType::counter : MetricType::gauge,
                      .help = each.at("help"),
                      .samples = {}};
        for (const json& sample : each.at("samples")) {
            MetricSample& made = metric.samples.emplace_back();
            for (const auto& [name, value] : sample.at("labels").items()) {
                made.labels.push_back({.name = name, .value = value});
            }
            made.value = sample.at("value");
        }
        metrics.push_back(std::move(metric));
    }
    return metrics;
}

}  // namespace farewell::report
