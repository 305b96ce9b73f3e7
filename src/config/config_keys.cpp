// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/config_keys.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <sstream>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "nft/table_name.hpp"
#include "report/address_text.hpp"
#include "report/quantity_text.hpp"

namespace farewell::config {
namespace {

using Problem = std::optional<std::string>;

/// "got string "ten"": what stood there instead.
std::string got(const toml::node& node) {
    std::ostringstream type;
    type << node.type();
    if (node.is_table() || node.is_array()) {
        return fmt::format("got {}", type.str());
    }
    std::ostringstream value;
    node.visit([&value](const auto& concrete) { value << concrete; });
    std::string text = value.str();
    if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') {
        text.front() = text.back() = '"';
    }
    return fmt::format("got {} {}", type.str(), text);
}

template <typename Integer>
Problem set_integer(Integer& target, const toml::node& node, std::int64_t least, std::int64_t most) {
    const toml::value<std::int64_t>* value = node.as_integer();
    if (value == nullptr || value->get() < least || value->get() > most) {
        return fmt::format("must be an integer {}..{}, {}", least, most, got(node));
    }
    target = static_cast<Integer>(value->get());
    return std::nullopt;
}

template <typename Enum>
Problem set_word(Enum& target, const toml::node& node,
                 std::initializer_list<std::pair<std::string_view, std::type_identity_t<Enum>>> words) {
    std::string allowed;
    for (const auto& [word, value] : words) {
        if (node.is_string() && node.as_string()->get() == word) {
            target = value;
            return std::nullopt;
        }
        allowed += fmt::format("{}\"{}\"", allowed.empty() ? "" : " or ", word);
    }
    return fmt::format("must be {}, {}", allowed, got(node));
}

Problem set_duration(std::chrono::nanoseconds& target, const toml::node& node, std::chrono::nanoseconds least,
                     std::chrono::nanoseconds most) {
    const auto parsed = node.is_string() ? report::parse_duration(node.as_string()->get()) : std::nullopt;
    if (!parsed || *parsed < least || *parsed > most) {
        return fmt::format("must be a duration {}..{} such as \"90s\", \"12h\" or \"1h30m\", {}",
                           report::to_text(least), report::to_text(most), got(node));
    }
    target = *parsed;
    return std::nullopt;
}

std::optional<std::size_t> size_of(const toml::node& node) {
    if (node.is_string()) {
        return report::parse_size(node.as_string()->get());
    }
    if (node.is_integer() && node.as_integer()->get() >= 0) {
        return static_cast<std::size_t>(node.as_integer()->get());
    }
    return std::nullopt;
}

Problem set_size(std::size_t& target, const toml::node& node, std::size_t least, std::size_t most) {
    const auto size = size_of(node);
    if (!size || *size < least || *size > most) {
        return fmt::format("must be a size {}..{} such as \"16MiB\", {}", report::size_to_text(least),
                           report::size_to_text(most), got(node));
    }
    target = *size;
    return std::nullopt;
}

Problem set_switch(bool& target, const toml::node& node) {
    if (!node.is_boolean()) {
        return fmt::format("must be true or false, {}", got(node));
    }
    target = node.as_boolean()->get();
    return std::nullopt;
}

Problem set_path(std::filesystem::path& target, const toml::node& node, std::size_t longest) {
    const std::string text = node.is_string() ? node.as_string()->get() : "";
    if (!text.starts_with('/') || text.size() > longest) {
        return fmt::format("must be an absolute path of at most {} bytes, {}", longest, got(node));
    }
    target = text;
    return std::nullopt;
}

Problem set_queues(Config& config, const toml::node& node) {
    const std::string text = node.is_integer()  ? fmt::format("{}", node.as_integer()->get())
                             : node.is_string() ? node.as_string()->get()
                                                : "";
    const char* const end = text.data() + text.size();
    std::uint16_t first = 0;
    auto parsed = std::from_chars(text.data(), end, first);
    std::uint16_t last = first;
    if (parsed.ec == std::errc{} && parsed.ptr != end && *parsed.ptr == '-') {
        parsed = std::from_chars(parsed.ptr + 1, end, last);
    }
    constexpr int kMostQueues = 64;  // each costs a thread and a receive buffer
    if (parsed.ec != std::errc{} || parsed.ptr != end || last < first || last - first >= kMostQueues) {
        return fmt::format("must be a queue number or a range of at most {} such as \"0-3\", {}", kMostQueues,
                           got(node));
    }
    config.capture.first_queue = first;
    config.capture.last_queue = last;
    return std::nullopt;
}

Problem set_flag(bool& target, const toml::node& node) {
    if (!node.is_boolean()) {
        return fmt::format("must be true or false, {}", got(node));
    }
    target = node.as_boolean()->get();
    return std::nullopt;
}

Problem set_networks(std::vector<core::Prefix>& target, const toml::node& node) {
    std::vector<core::Prefix> networks;
    const auto add = [&networks](const toml::node& element) -> Problem {
        const auto prefix =
            element.is_string() ? report::parse_prefix(element.as_string()->get()) : std::nullopt;
        if (!prefix) {
            return fmt::format(
                "must hold addresses or networks such as \"192.0.2.0/24\" without host bits, {}",
                got(element));
        }
        networks.push_back(*prefix);
        return std::nullopt;
    };
    if (node.is_string()) {
        if (auto problem = add(node)) {
            return problem;
        }
    } else if (const toml::array* array = node.as_array()) {
        for (const toml::node& element : *array) {
            if (auto problem = add(element)) {
                return problem;
            }
        }
    } else {
        return fmt::format("must be a list of addresses and networks, {}", got(node));
    }
    target = std::move(networks);
    return std::nullopt;
}

/// nftables takes no list whose networks overlap.
Problem set_networks_apart(std::vector<core::Prefix>& target, const toml::node& node) {
    std::vector<core::Prefix> networks;
    if (auto problem = set_networks(networks, node)) {
        return problem;
    }
    for (const core::Prefix& network : networks) {
        const auto overlapping = std::ranges::count_if(
            networks, [&network](const core::Prefix& other) { return network.overlaps(other); });
        if (overlapping > 1) {  // itself and another
            return fmt::format("must hold networks that do not overlap; {} is in two of them",
                               report::to_text(network));
        }
    }
    target = std::move(networks);
    return std::nullopt;
}

Problem set_copy_mode(Config& /*config*/, const toml::node& node) {
    if (node.is_string() && node.as_string()->get() == "payload") {
        return std::nullopt;
    }
    if (node.is_string() && node.as_string()->get() == "metadata") {
        return "= \"metadata\" is unusable for detection: the kernel then sends no byte of the packet, so "
               "neither "
               "source nor port can be known; use \"payload\" and lower capture.copy_range if the copy is "
               "too dear";
    }
    return fmt::format("must be \"payload\", {}", got(node));
}

/// 0 turns the criterion off.
Problem set_threshold_or_none(std::uint32_t& target, const toml::node& node) {
    return set_integer(target, node, 0, core::Limits::kThresholdMax);
}

Problem set_table(Config& config, const toml::node& node) {
    if (!node.is_string() || !nft::is_valid_table_name(node.as_string()->get())) {
        return fmt::format("must be an nftables identifier (letters, digits, _ and not a digit first), {}",
                           got(node));
    }
    config.nft_table = node.as_string()->get();
    return std::nullopt;
}

Problem set_user(Config& config, const toml::node& node) {
    if (!node.is_string() || node.as_string()->get().empty() || node.as_string()->get() == "root") {
        return fmt::format("must be the name of a user other than root, {}", got(node));
    }
    config.user = node.as_string()->get();
    return std::nullopt;
}

using namespace std::chrono_literals;
constexpr std::chrono::nanoseconds kLongest = std::chrono::hours(24 * 366);
constexpr std::size_t kLongestSocketPath = 107;  // sockaddr_un, unix(7)
constexpr std::size_t kLongestPath = 4095;

// In the order of the manual.
constexpr std::array kKeys{
    ConfigKey{"mode",
              [](Config& config, const toml::node& node) {
                  return set_word(config.mode, node,
                                  {{"enforce", Mode::enforce}, {"observe", Mode::observe}});
              }},
    ConfigKey{"capture.source",
              [](Config& config, const toml::node& node) {
                  return set_word(config.capture.source, node,
                                  {{"nfqueue", CaptureSource::nfqueue}, {"nflog", CaptureSource::nflog}});
              }},
    ConfigKey{"capture.group",
              [](Config& config, const toml::node& node) {
                  return set_integer(config.capture.group, node, 0, 65535);
              }},
    ConfigKey{"capture.queues", set_queues},
    ConfigKey{"capture.copy_mode", set_copy_mode},
    ConfigKey{"capture.copy_range",
              [](Config& config, const toml::node& node) {
                  // 60 bytes hold an IPv4 header with all options; 65531 is the most an attribute can carry.
                  return set_integer(config.capture.copy_range, node, 96, 65531);
              }},
    ConfigKey{"capture.max_length",
              [](Config& config, const toml::node& node) {
                  return set_integer(config.capture.max_length, node, 16, 1'000'000);
              }},
    ConfigKey{"capture.receive_buffer",
              [](Config& config, const toml::node& node) {
                  std::size_t bytes = 0;
                  auto problem = set_size(bytes, node, std::size_t{64} << 10, std::size_t{1} << 30);
                  if (!problem) {
                      config.capture.receive_buffer = bytes;
                  }
                  return problem;
              }},
    ConfigKey{"capture.verdict",
              [](Config& config, const toml::node& node) {
                  return set_word(config.capture.verdict, node,
                                  {{"drop", CaptureVerdict::drop}, {"accept", CaptureVerdict::accept}});
              }},
    ConfigKey{"trap.enabled",
              [](Config& config, const toml::node& node) { return set_flag(config.trap.enabled, node); }},
    ConfigKey{"trap.hesitation",
              [](Config& config, const toml::node& node) {
                  return set_word(config.trap.hesitation, node,
                                  {{"off", nft::Hesitation::off},
                                   {"suspects", nft::Hesitation::suspects},
                                   {"bare", nft::Hesitation::bare}});
              }},
    ConfigKey{"trap.hold",
              [](Config& config, const toml::node& node) {
                  return set_duration(config.trap.hold, node, 100ms, 10min);
              }},
    ConfigKey{"trap.brake",
              [](Config& config, const toml::node& node) { return set_flag(config.trap.brake, node); }},
    ConfigKey{
        "trap.forward",
        [](Config& config, const toml::node& node) { return set_networks_apart(config.trap.forward, node); }},
    ConfigKey{"detect.rule",
              [](Config& config, const toml::node& node) {
                  return set_word(
                      config.limits.rule, node,
                      {{"balanced", core::DetectionRule::balanced}, {"plain", core::DetectionRule::plain}});
              }},
    ConfigKey{"detect.threshold",
              [](Config& config, const toml::node& node) {
                  return set_integer(config.limits.threshold, node, core::Limits::kThresholdMin,
                                     core::Limits::kThresholdMax);
              }},
    ConfigKey{"detect.window",
              [](Config& config, const toml::node& node) {
                  return set_duration(config.limits.window, node, 1s, kLongest);
              }},
    ConfigKey{"detect.burst",
              [](Config& config, const toml::node& node) {
                  return set_threshold_or_none(config.limits.burst, node);
              }},
    ConfigKey{"detect.burst_window",
              [](Config& config, const toml::node& node) {
                  return set_duration(config.limits.burst_window, node, 100ms, 1h);
              }},
    ConfigKey{"detect.threshold_24",
              [](Config& config, const toml::node& node) {
                  return set_threshold_or_none(config.limits.threshold_24, node);
              }},
    ConfigKey{"detect.threshold_64",
              [](Config& config, const toml::node& node) {
                  return set_threshold_or_none(config.limits.threshold_64, node);
              }},
    ConfigKey{"detect.threshold_48",
              [](Config& config, const toml::node& node) {
                  return set_threshold_or_none(config.limits.threshold_48, node);
              }},
    ConfigKey{"detect.sweep_threshold",
              [](Config& config, const toml::node& node) {
                  return set_threshold_or_none(config.limits.sweep_threshold, node);
              }},
    ConfigKey{"detect.ambiguous_threshold",
              [](Config& config, const toml::node& node) {
                  return set_threshold_or_none(config.limits.ambiguous_threshold, node);
              }},
    ConfigKey{"detect.decoys",
              [](Config& config, const toml::node& node) {
                  return set_word(config.limits.decoys, node,
                                  {{"soft", core::DecoyTreatment::soft},
                                   {"ban", core::DecoyTreatment::ban},
                                   {"observe", core::DecoyTreatment::observe}});
              }},
    ConfigKey{"detect.memory",
              [](Config& config, const toml::node& node) {
                  return set_size(config.limits.memory_bytes, node, core::Limits::kMemoryMin,
                                  std::size_t{64} << 30);
              }},
    ConfigKey{"detect.remember_services",
              [](Config& config, const toml::node& node) {
                  if (node.is_integer() && node.as_integer()->get() == 0) {
                      config.remember_services = 0s;  // off; every other number lacks its unit
                      return Problem();
                  }
                  return set_duration(config.remember_services, node, 0s, kLongest);
              }},
    ConfigKey{"ban.duration",
              [](Config& config, const toml::node& node) {
                  return set_duration(config.limits.ban_duration, node, 1s, kLongest);
              }},
    ConfigKey{"ban.soft_duration",
              [](Config& config, const toml::node& node) {
                  return set_duration(config.limits.soft_ban_duration, node, 1s, kLongest);
              }},
    ConfigKey{"ban.unproven",
              [](Config& config, const toml::node& node) {
                  return set_word(
                      config.limits.unproven, node,
                      {{"soft", core::UnprovenTreatment::soft}, {"full", core::UnprovenTreatment::full}});
              }},
    ConfigKey{"ban.repeat_factor",
              [](Config& config, const toml::node& node) {
                  return set_integer(config.limits.repeat_factor, node, 1, 1000);
              }},
    ConfigKey{"ban.repeat_window",
              [](Config& config, const toml::node& node) {
                  return set_duration(config.limits.repeat_window, node, 1s, kLongest);
              }},
    ConfigKey{"ban.duration_max",
              [](Config& config, const toml::node& node) {
                  return set_duration(config.limits.ban_duration_max, node, 1s, kLongest);
              }},
    ConfigKey{"ban.per_minute",
              [](Config& config, const toml::node& node) {
                  return set_integer(config.limits.bans_per_minute, node, 0, 1'000'000);
              }},
    ConfigKey{"ban.on_start",
              [](Config& config, const toml::node& node) {
                  return set_word(config.on_start, node,
                                  {{"clear", OnStart::clear}, {"keep", OnStart::keep}});
              }},
    ConfigKey{"ban.on_stop",
              [](Config& config, const toml::node& node) {
                  return set_word(config.on_stop, node,
                                  {{"leave", OnStop::leave}, {"remove", OnStop::remove}});
              }},
    ConfigKey{"ban.cut_connections",
              [](Config& config, const toml::node& node) { return set_flag(config.cut_connections, node); }},
    ConfigKey{
        "allow.networks",
        [](Config& config, const toml::node& node) { return set_networks(config.allowed_networks, node); }},
    ConfigKey{"allow.sessions",
              [](Config& config, const toml::node& node) { return set_flag(config.protect_sessions, node); }},
    ConfigKey{"nft.table", set_table},
    ConfigKey{"control.socket",
              [](Config& config, const toml::node& node) {
                  return set_path(config.control_socket, node, kLongestSocketPath);
              }},
    ConfigKey{"state.directory",
              [](Config& config, const toml::node& node) {
                  return set_path(config.state_directory, node, kLongestPath);
              }},
    ConfigKey{
        "history.enabled",
        [](Config& config, const toml::node& node) { return set_switch(config.history_enabled, node); }},
    ConfigKey{"history.size",
              [](Config& config, const toml::node& node) {
                  return set_size(config.history_size, node, std::size_t{1} << 20, std::size_t{4} << 30);
              }},
    ConfigKey{"history.age",
              [](Config& config, const toml::node& node) {
                  return set_duration(config.history_age, node, 1h, 10 * kLongest);
              }},
    ConfigKey{"metrics.textfile",
              [](Config& config, const toml::node& node) {
                  return set_path(config.metrics_textfile, node, kLongestPath);
              }},
    ConfigKey{"metrics.interval",
              [](Config& config, const toml::node& node) {
                  return set_duration(config.metrics_interval, node, 1s, 1h);
              }},
    ConfigKey{"log.level",
              [](Config& config, const toml::node& node) {
                  return set_word(config.log_level, node,
                                  {{"error", LogLevel::error},
                                   {"warning", LogLevel::warning},
                                   {"info", LogLevel::info},
                                   {"debug", LogLevel::debug}});
              }},
    ConfigKey{"process.user", set_user},
    ConfigKey{"process.sandbox",
              [](Config& config, const toml::node& node) {
                  return set_word(config.sandbox, node,
                                  {{"auto", Sandbox::automatic},
                                   {"off", Sandbox::off},
                                   {"required", Sandbox::required}});
              }},
};

}  // namespace

std::span<const ConfigKey> config_keys() {
    return kKeys;
}

bool is_config_section(std::string_view name) {
    for (const ConfigKey& key : kKeys) {
        if (key.name.starts_with(name) && key.name.substr(name.size()).starts_with('.')) {
            return true;
        }
    }
    return false;
}

}  // namespace farewell::config
