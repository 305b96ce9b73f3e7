// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/parts.hpp"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <random>

#include "daemon/allowlist_file.hpp"
#include "daemon/clock.hpp"

namespace farewell::daemon {

spdlog::level::level_enum spdlog_level(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::error:
            return spdlog::level::err;
        case config::LogLevel::warning:
            return spdlog::level::warn;
        case config::LogLevel::info:
            return spdlog::level::info;
        case config::LogLevel::debug:
            return spdlog::level::debug;
    }
    return spdlog::level::info;
}

std::vector<std::string> file_names(const config::Config& config) {
    std::vector<std::string> names;
    names.reserve(config.files.size());
    for (const auto& file : config.files) {
        names.push_back(file.string());
    }
    return names;
}

core::Engine make_engine(const config::Config& config, const Resources& resources) {
    core::Limits limits = config.limits;
    std::random_device random;  // the kernel's
    limits.hash_key = std::uint64_t{random()} << 32U | random();
    core::Engine engine(limits, with_networks(config.allowed_networks, resources.allowed_by_hand));
    static_cast<void>(engine.set_knowledge(resources.host.knowledge()));
    for (const core::Ban& ban : resources.adopted) {
        engine.adopt(ban, boot_now());
    }
    return engine;
}

history::Bounds history_bounds(const config::Config& config) {
    return {.size = config.history_size, .age = config.history_age};
}

/// From here on as the user that we have become: the file is his.
std::unique_ptr<history::Recorder> make_recorder(const config::Config& config) {
    if (!config.history_enabled) {
        return nullptr;
    }
    return std::make_unique<history::Recorder>(history::Recorder::Settings{
        .file = config.state_directory / "history.db",
        .bounds = history_bounds(config),
        .wall_clock = wall_time,
        .tell =
            [](history::Tone tone, const std::string& line) {
                spdlog::log(tone == history::Tone::warning ? spdlog::level::warn : spdlog::level::info, "{}",
                            line);
            },
    });
}

}  // namespace farewell::daemon
