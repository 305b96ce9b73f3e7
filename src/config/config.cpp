// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/config.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include "config/config_keys.hpp"
#include "config/table_content.hpp"
#include "report/errno_text.hpp"
#include "report/printable.hpp"
#include "report/quantity_text.hpp"
#include "report/stream_text.hpp"
#include "report/suggestion.hpp"

namespace farewell::config {
namespace {

/// One place that sets keys: a file, or one --set.
class Reader {
 public:
    Reader(Config& config, std::vector<ConfigError>& errors) : config_(config), errors_(errors) {}

    void read_file(const std::filesystem::path& path);
    void read_override(const std::string& assignment);

 private:
    void read_table(const toml::table& table, const std::string& prefix);
    void set(const std::string& name, const toml::node& node);
    void unknown(const std::string& name, const toml::source_region& at);
    void fail(const toml::source_region& at, std::string message);

    Config& config_;
    std::vector<ConfigError>& errors_;
    std::string place_;         // the file's name, or "--set key"
    bool has_position_ = true;  // whether lines and columns mean anything to the reader
};

void Reader::fail(const toml::source_region& at, std::string message) {
    std::string place = place_;
    if (has_position_) {
        place = fmt::format("{}:{}:{}", place_, at.begin.line, at.begin.column);
    }
    errors_.push_back({.place = std::move(place), .message = std::move(message)});
}

void Reader::unknown(const std::string& name, const toml::source_region& at) {
    std::vector<std::string_view> known;
    for (const ConfigKey& key : config_keys()) {
        known.push_back(key.name);
    }
    const auto suggestion = report::nearest(name, known);
    if (!suggestion) {
        fail(at, fmt::format("unknown key `{}`", name));
        return;
    }
    // Within the right section the last word is all that needs saying.
    const std::size_t dot = suggestion->rfind('.');
    const bool same_section =
        dot != std::string_view::npos && name.starts_with(suggestion->substr(0, dot + 1));
    fail(at, fmt::format("unknown key `{}`; did you mean `{}`?", name,
                         same_section ? suggestion->substr(dot + 1) : *suggestion));
}

void Reader::set(const std::string& name, const toml::node& node) {
    const auto keys = config_keys();
    const auto key = std::ranges::find(keys, name, &ConfigKey::name);
    if (key == keys.end()) {
        unknown(name, node.source());
        return;
    }
    if (const auto problem = key->set(config_, node)) {
        fail(node.source(), fmt::format("{} {}", name, *problem));
    }
}

void Reader::read_table(const toml::table& table, const std::string& prefix) {
    // toml++ keeps keys in alphabetical order; mistakes are told in the order they stand in the file.
    std::vector<std::pair<const toml::key*, const toml::node*>> entries;
    for (auto&& [key, node] : table) {
        entries.emplace_back(&key, &node);
    }
    std::ranges::sort(entries, [](const auto& one, const auto& other) {
        const auto position = [](const auto& entry) {
            return std::pair(entry.first->source().begin.line, entry.first->source().begin.column);
        };
        return position(one) < position(other);
    });
    for (const auto& [key, node] : entries) {
        const std::string name = prefix + std::string(key->str());
        if (const toml::table* section = node->as_table()) {
            if (is_config_section(name)) {
                read_table(*section, name + ".");
            } else {
                unknown(name, key->source());
            }
        } else if (std::ranges::find(config_keys(), name, &ConfigKey::name) == config_keys().end()) {
            unknown(name, key->source());
        } else {
            set(name, *node);
        }
    }
}

void Reader::read_file(const std::filesystem::path& path) {
    place_ = path.string();
    has_position_ = true;
    std::ifstream file(path);
    const auto text = file ? report::rest_of(file) : std::unexpected(errno);
    if (!text) {
        const char* hint = text.error() == EACCES
                               ? "; it must be readable for the user that farewelld runs as (process.user)"
                               : "";
        errors_.push_back(
            {.place = place_,
             .message = fmt::format("cannot be read: {}{}", report::errno_text(text.error()), hint)});
        return;
    }
    const toml::parse_result result = toml::parse(*text, path.string());
    if (!result) {
        fail(result.error().source(), std::string(result.error().description()));
        return;
    }
    config_.files.push_back(path);
    read_table(result.table(), "");
}

void Reader::read_override(const std::string& assignment) {
    has_position_ = false;
    const std::size_t equals = assignment.find('=');
    const std::string name = assignment.substr(0, equals);
    place_ = "--set " + name;
    if (equals == std::string::npos || name.empty()) {
        errors_.push_back({.place = place_, .message = "must be section.key=value"});
        return;
    }
    const std::string value = assignment.substr(equals + 1);
    // A value that is TOML is taken as such (numbers, lists, quoted strings), anything else is a string:
    // nobody should have to quote twice for `--set ban.duration=2h`.
    const toml::parse_result result = toml::parse("value = " + value);
    if (result && result.table().size() == 1) {
        set(name, *result.table().get("value"));
    } else {
        set(name, toml::value<std::string>(value));
    }
}

std::vector<std::filesystem::path> drop_ins_of(const std::filesystem::path& file) {
    std::vector<std::filesystem::path> found;
    std::error_code ignored;  // no conf.d is the usual case
    for (const auto& entry : std::filesystem::directory_iterator(file.parent_path() / "conf.d", ignored)) {
        if (entry.path().extension() == ".toml") {
            found.push_back(entry.path());
        }
    }
    std::ranges::sort(found);
    return found;
}

}  // namespace

std::string ConfigError::text() const {
    return report::printable(place + ": error: " + message);
}

std::expected<Config, std::vector<ConfigError>> load_config(const ConfigSources& sources) {
    Config config;
    std::vector<ConfigError> errors;
    Reader reader(config, errors);

    const std::filesystem::path file = sources.file.value_or(kDefaultConfigFile);
    std::error_code ignored;
    if (sources.file || std::filesystem::exists(file, ignored)) {
        reader.read_file(file);
    }
    for (const auto& drop_in : drop_ins_of(file)) {
        reader.read_file(drop_in);
    }
    for (const std::string& assignment : sources.overrides) {
        reader.read_override(assignment);
    }
    if (config.trap.enabled) {
        config.capture.verdict = CaptureVerdict::accept;  // the operator's own rules come after the trap
    }
    // The store of many ports has 32 bytes for each of them, and a sixth of the budget; one that could not
    // hold a source at the threshold would never ban anybody, and say nothing.
    constexpr std::size_t kBytesPerPort = 256;
    if (config.limits.memory_bytes < config.limits.threshold * kBytesPerPort) {
        errors.push_back(
            {.place = "detect.memory",
             .message = fmt::format("{} cannot hold a source with detect.threshold = {} ports; at least {}",
                                    report::size_to_text(config.limits.memory_bytes), config.limits.threshold,
                                    report::size_to_text(config.limits.threshold * kBytesPerPort))});
    }
    if (!errors.empty()) {
        return std::unexpected(std::move(errors));
    }
    return config;
}

std::vector<std::string> keys_needing_restart(const Config& running, const Config& wanted) {
    std::vector<std::string> keys;
    const auto compare = [&keys](const char* name, const auto& before, const auto& after) {
        if (before != after) {
            keys.emplace_back(name);
        }
    };
    compare("capture.*", running.capture, wanted.capture);
    compare("trap.*", running.trap, wanted.trap);
    compare("mode", running.mode, wanted.mode);
    compare("nft.table", running.nft_table, wanted.nft_table);
    compare("control.socket", running.control_socket, wanted.control_socket);
    compare("state.directory", running.state_directory, wanted.state_directory);
    compare("history.enabled", running.history_enabled, wanted.history_enabled);
    compare("metrics.textfile", running.metrics_textfile, wanted.metrics_textfile);
    compare("metrics.interval", running.metrics_interval, wanted.metrics_interval);
    compare("process.user", running.user, wanted.user);
    compare("process.sandbox", running.sandbox, wanted.sandbox);
    return keys;
}

}  // namespace farewell::config
