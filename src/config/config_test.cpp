// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "config/table_content.hpp"
#include "project_text.hpp"
#include "report/address_text.hpp"

namespace farewell::config {
namespace {

using namespace std::chrono_literals;

class ConfigTest : public testing::Test {
 protected:
    ConfigTest() {
        std::string name = testing::TempDir() + "farewell-config-XXXXXX";
        directory = mkdtemp(name.data());
        file = directory / "farewell.toml";
    }
    ~ConfigTest() override { std::filesystem::remove_all(directory); }

    void write(const std::filesystem::path& path, const std::string& text) const {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    [[nodiscard]] Config load(const std::string& text, std::vector<std::string> overrides = {}) const {
        write(file, text);
        const auto config = load_config({.file = file, .overrides = std::move(overrides)});
        EXPECT_TRUE(config) << config.error().front().text();
        return config.value_or(Config{});
    }
    /// The mistakes, without the directory of the file.
    [[nodiscard]] std::vector<std::string> mistakes(const std::string& text,
                                                    std::vector<std::string> overrides = {}) const {
        write(file, text);
        const auto config = load_config({.file = file, .overrides = std::move(overrides)});
        std::vector<std::string> texts;
        if (!config) {
            for (const ConfigError& error : config.error()) {
                std::string line = error.text();
                const std::string prefix = directory.string() + "/";
                texts.push_back(line.starts_with(prefix) ? line.substr(prefix.size()) : line);
            }
        }
        return texts;
    }

    std::filesystem::path directory;
    std::filesystem::path file;
};

using Lines = std::vector<std::string>;

/// The keys that the manual has, each with its default, or "" where it has none.
std::map<std::string, std::string> keys_of_the_manual() {
    const std::string whole = test::project_text("docs/man/farewell.toml.5.md");
    const std::string text = whole.substr(whole.find("\n## Keys"));
    static const std::regex kEntry(R"((?:\n|, )`((?:\w+\.)?\w+)(?: = ([^`]+))?`)");
    std::map<std::string, std::string> keys;
    for (std::sregex_iterator match(text.begin(), text.end(), kEntry), end; match != end; ++match) {
        keys.emplace((*match)[1].str(), (*match)[2].str());
    }
    return keys;
}

TEST_F(ConfigTest, TheManualHasEveryKeyWithItsDefault) {
    static const std::regex kRow(R"re(ConfigKey\{\s*"([^"]+)")re");
    const std::set<std::string> keys = test::matches(test::project_text("src/config/config_keys.cpp"), kRow);
    std::set<std::string> explained;
    std::vector<std::string> defaults;
    for (const auto& [key, value] : keys_of_the_manual()) {
        explained.insert(key);
        if (!value.empty()) {
            defaults.push_back(key + "=" + value);
        }
    }
    EXPECT_EQ(explained, keys);
    EXPECT_GT(defaults.size(), 40U);
    for (const std::string& one : defaults) {
        EXPECT_EQ(load("", {one}), load("")) << one;
    }
}

TEST_F(ConfigTest, EveryKeyIsTaken) {
    const Config config = load(R"(
mode = "observe"
[capture]
source = "nfqueue"
queues = "7-9"
copy_mode = "payload"
copy_range = 512
max_length = 100
receive_buffer = "4MiB"
verdict = "accept"
[detect]
rule = "plain"
threshold = 65535
window = "1h30m"
memory = "64MiB"
remember_services = "36h"
[ban]
duration = "90s"
on_start = "clear"
per_minute = 7
on_stop = "remove"
[allow]
networks = ["192.0.2.0/24", "2001:db8::1"]
[nft]
table = "mine"
[control]
socket = "/tmp/x.sock"
[state]
directory = "/tmp/x"
[history]
enabled = false
size = "1GiB"
age = "7d"
[log]
level = "debug"
[process]
user = "daemon"
)");
    EXPECT_EQ(config.mode, Mode::observe);
    EXPECT_EQ(config.capture.first_queue, 7);
    EXPECT_EQ(config.capture.last_queue, 9);
    EXPECT_EQ(config.capture.copy_range, 512U);
    EXPECT_EQ(config.capture.max_length, 100U);
    EXPECT_EQ(config.capture.receive_buffer, std::size_t{4} << 20);
    EXPECT_EQ(config.capture.verdict, CaptureVerdict::accept);
    EXPECT_EQ(config.limits.threshold, 65535U);
    EXPECT_EQ(config.limits.window, 90min);
    EXPECT_EQ(config.limits.memory_bytes, std::size_t{64} << 20);
    EXPECT_EQ(config.remember_services, 36h);
    EXPECT_EQ(config.limits.ban_duration, 90s);
    EXPECT_EQ(config.on_start, OnStart::clear);
    EXPECT_EQ(config.limits.bans_per_minute, 7U);
    EXPECT_EQ(config.on_stop, OnStop::remove);
    ASSERT_EQ(config.allowed_networks.size(), 2U);
    EXPECT_EQ(report::to_text(config.allowed_networks[1]), "2001:db8::1");
    EXPECT_EQ(config.nft_table, "mine");
    EXPECT_FALSE(config.history_enabled);
    EXPECT_EQ(config.history_size, std::size_t{1} << 30);
    EXPECT_EQ(config.history_age, 24h * 7);
    EXPECT_EQ(config.log_level, LogLevel::debug);
    EXPECT_EQ(config.user, "daemon");
}

TEST_F(ConfigTest, MistakesHaveTheirPlaceInTheOrderTheyStand) {
    EXPECT_EQ(
        mistakes("[detect]\nwindw = \"1h\"\nthreshold = \"ten\"\nmemory = 3.5\n"),
        (Lines{
            "farewell.toml:2:1: error: unknown key `detect.windw`; did you mean `window`?",
            "farewell.toml:3:13: error: detect.threshold must be an integer 2..65535, got string \"ten\"",
            "farewell.toml:4:10: error: detect.memory must be a size 1.0 MiB..64 GiB such as \"16MiB\", got "
            "floating-point 3.5"}));
}

TEST_F(ConfigTest, UnknownSectionsAndKeysOfOthers) {
    EXPECT_EQ(mistakes("[detct]\nthreshold = 3\n"), (Lines{"farewell.toml:1:2: error: unknown key `detct`"}));
    EXPECT_EQ(mistakes("mod = \"observe\"\n"),
              (Lines{"farewell.toml:1:1: error: unknown key `mod`; did you mean `mode`?"}));
    EXPECT_EQ(mistakes("[detect.threshold]\nx = 1\n"),
              (Lines{"farewell.toml:1:9: error: unknown key `detect.threshold`; did you mean `threshold`?"}));
}

TEST_F(ConfigTest, WhatIsNotToml) {
    const Lines lines = mistakes("[detect\nthreshold = 3\n");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].find("farewell.toml:1:8: error: "), 0U) << lines[0];
}

TEST_F(ConfigTest, EveryKeyRefusesWhatItCannotBe) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"mode=off", "mode must be \"enforce\" or \"observe\", got string \"off\""},
        {"capture.source=pcap", "capture.source must be \"nfqueue\" or \"nflog\""},
        {"capture.group=65536", "capture.group must be an integer 0..65535"},
        {"capture.queues=3-1", "capture.queues must be a queue number or a range"},
        {"capture.queues=0-64", "a range of at most 64"},
        {"capture.queues=65536", "capture.queues must be"},
        {"capture.copy_mode=metadata", "unusable for detection"},
        {"capture.copy_mode=all", "capture.copy_mode must be \"payload\""},
        {"capture.copy_range=20", "an integer 96..65531, got integer 20"},
        {"capture.max_length=1", "an integer 16..1000000"},
        {"capture.receive_buffer=1KiB", "a size 64 KiB..1.0 GiB"},
        {"capture.verdict=reject", "\"drop\" or \"accept\""},
        {"detect.rule=best", "detect.rule must be \"balanced\" or \"plain\""},
        {"detect.threshold=1", "an integer 2..65535, got integer 1"},
        {"detect.threshold=65536", "an integer 2..65535"},
        {"detect.window=10", "a duration 1s..366d"},
        {"detect.burst=-1", "an integer 0..65535"},
        {"detect.burst_window=10ms", "a duration 100ms"},
        {"detect.threshold_24=many", "an integer 0..65535"},
        {"detect.threshold_64=65536", "an integer 0..65535"},
        {"detect.threshold_48=-5", "an integer 0..65535"},
        {"detect.sweep_threshold=1.5", "an integer 0..65535"},
        {"detect.ambiguous_threshold=x", "an integer 0..65535"},
        {"detect.decoys=ignore", "\"soft\" or \"ban\" or \"observe\""},
        {"ban.soft_duration=0s", "a duration 1s"},
        {"detect.memory=1KiB", "a size 1.0 MiB"},
        {"history.size=1KiB", "a size 1.0 MiB..4.0 GiB"},
        {"history.age=30m", "a duration 1h"},
        {"history.enabled=7", "must be true or false, got integer 7"},
        {"detect.remember_services=24", "a duration 0s..366d"},
        {"ban.duration=0s", "a duration 1s..366d"},
        {"ban.on_start=maybe", "\"clear\" or \"keep\""},
        {"ban.per_minute=-1", "an integer 0..1000000"},
        {"ban.on_stop=maybe", "\"leave\" or \"remove\""},
        {"allow.networks=[\"192.0.2.1/24\"]", "without host bits, got string \"192.0.2.1/24\""},
        {"allow.networks=5", "a list of addresses and networks"},
        {"allow.sessions=\"no\"", "true or false"},
        {"nft.table=a-b", "an nftables identifier"},
        {"control.socket=relative", "an absolute path of at most 107 bytes"},
        {"state.directory=relative", "an absolute path"},
        {"log.level=loud", "\"error\" or \"warning\" or \"info\" or \"debug\""},
        {"process.user=root", "other than root"},
    };
    for (const auto& [assignment, expected] : cases) {
        const Lines lines = mistakes("", {assignment});
        ASSERT_EQ(lines.size(), 1U) << assignment;
        EXPECT_EQ(lines[0].find("--set " + assignment.substr(0, assignment.find('='))), 0U) << lines[0];
        EXPECT_NE(lines[0].find(expected), std::string::npos) << lines[0];
    }
}

TEST_F(ConfigTest, ServicesNeedNotBeRemembered) {
    EXPECT_EQ(load("", {"detect.remember_services=0"}).remember_services, 0s);
    EXPECT_EQ(load("", {"detect.remember_services=0s"}).remember_services, 0s);
}

TEST_F(ConfigTest, OverridesWinAndNeedNoQuotes) {
    const Config config = load("[ban]\nduration = \"1h\"\n[detect]\nthreshold = 20\n",
                               {"ban.duration=2h", "detect.threshold=5", "nft.table=\"quoted\"",
                                "capture.queues=4", "allow.networks=198.18.0.0/15", "detect.threshold=6"});
    EXPECT_EQ(config.limits.ban_duration, 2h);
    EXPECT_EQ(config.limits.threshold, 6U) << "the last one";
    EXPECT_EQ(config.nft_table, "quoted");
    EXPECT_EQ(config.capture.first_queue, 4);
    EXPECT_EQ(config.capture.last_queue, 4);
    EXPECT_EQ(config.allowed_networks.size(), 1U);
    EXPECT_EQ(mistakes("", {"nonsense"}), (Lines{"--set nonsense: error: must be section.key=value"}));
    EXPECT_EQ(
        mistakes("", {"detect.treshold=3"}),
        (Lines{"--set detect.treshold: error: unknown key `detect.treshold`; did you mean `threshold`?"}));
}

TEST_F(ConfigTest, DropInsComeInOrderAfterTheFile) {
    write(directory / "conf.d/20-late.toml", "[detect]\nthreshold = 20\n");
    write(directory / "conf.d/10-early.toml", "[detect]\nthreshold = 15\nwindow = \"2h\"\n");
    write(directory / "conf.d/ignored.txt", "not toml");
    const Config config = load("[detect]\nthreshold = 12\n");
    EXPECT_EQ(config.limits.threshold, 20U);
    EXPECT_EQ(config.limits.window, 2h);
    EXPECT_EQ(config.files.size(), 3U);
    write(directory / "conf.d/10-early.toml", "[detect]\nthreshold = 1\n");
    EXPECT_EQ(mistakes("").front().find("conf.d/10-early.toml:2:13: error: detect.threshold"), 0U);
}

TEST_F(ConfigTest, AFileThatWasNamedMustBeThere) {
    const auto config = load_config({.file = directory / "none.toml", .overrides = {}});
    ASSERT_FALSE(config);
    EXPECT_NE(config.error()[0].text().find("none.toml: error: cannot be read: No such file"),
              std::string::npos);
}

TEST_F(ConfigTest, ADirectoryIsNoFileThatSaysNothing) {
    std::filesystem::create_directories(directory / "conf.d/10-early.toml");
    EXPECT_EQ(mistakes("mode = \"observe\"\n"),
              (Lines{"conf.d/10-early.toml: error: cannot be read: Is a directory"}));
    const auto config = load_config({.file = directory, .overrides = {}});
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error()[0].text(), directory.string() + ": error: cannot be read: Is a directory");
}

TEST_F(ConfigTest, ABudgetThatCouldNeverBanIsRefused) {
    EXPECT_EQ(mistakes("", {"detect.threshold=6000", "detect.memory=1MiB"}),
              (Lines{"detect.memory: error: 1.0 MiB cannot hold a source with detect.threshold = 6000 ports; "
                     "at least 1.5 MiB"}));
    EXPECT_TRUE(mistakes("", {"detect.threshold=65535"}).empty());
}

TEST_F(ConfigTest, ATrapPassesOnWhatItHasSeen) {
    const Config without = load("");
    EXPECT_FALSE(without.trap.enabled);
    EXPECT_EQ(without.capture.verdict, CaptureVerdict::drop);
    const Config with = load("[trap]\nenabled = true\nhesitation = \"suspects\"\nhold = \"5s\"\n");
    EXPECT_EQ(with.capture.verdict, CaptureVerdict::accept);
    EXPECT_EQ(with.trap.hesitation, nft::Hesitation::suspects);
    EXPECT_EQ(with.trap.hold, 5s);
    EXPECT_EQ(mistakes("", {"trap.enabled=1", "trap.hesitation=on"}),
              (Lines{"--set trap.enabled: error: trap.enabled must be true or false, got integer 1",
                     "--set trap.hesitation: error: trap.hesitation must be \"off\" or \"suspects\" or "
                     "\"bare\", got string \"on\""}));
    EXPECT_EQ(mistakes("", {R"(trap.forward=["10.0.0.0/8", "10.1.0.0/16"])"}).size(), 1U);
    EXPECT_TRUE(mistakes("", {R"(trap.forward=["10.0.0.0/8", "2001:db8::/32"])"}).empty());
}

TEST_F(ConfigTest, TheTableHoldsWhatTheModeAndTheTrapNeed) {
    Config config;
    EXPECT_EQ(table_content(config),
              (nft::TableContent{.bans = true, .trap = {}, .brake = nft::Brake{.ports = 7}}))
        << "five, and two to judge by where the trap tells of none";
    config.mode = Mode::observe;
    EXPECT_EQ(table_content(config), std::nullopt);
    config.trap.enabled = true;
    config.capture.source = CaptureSource::nflog;
    config.trap.forward = {*report::parse_prefix("192.0.2.0/24")};
    const auto observing = table_content(config);
    ASSERT_TRUE(observing && observing->trap);
    EXPECT_FALSE(observing->bans);
    EXPECT_EQ(observing->trap->hesitation, nft::Hesitation::off) << "nobody waits for an observer";
    EXPECT_EQ(observing->brake, std::nullopt);
    EXPECT_EQ(observing->trap->forward4, Lines{"192.0.2.0/24"});
    config.mode = Mode::enforce;
    config.capture.source = CaptureSource::nfqueue;
    const auto enforcing = table_content(config);
    ASSERT_TRUE(enforcing && enforcing->trap);
    EXPECT_TRUE(enforcing->bans);
    EXPECT_EQ(enforcing->trap->hesitation, nft::Hesitation::bare);
    EXPECT_EQ(std::get<nft::Queues>(enforcing->trap->report), (nft::Queues{.first = 0, .last = 3}));
}

TEST_F(ConfigTest, TheBrakeGoesByWhatBans) {
    Config config;
    config.trap.enabled = true;
    const auto brake = [&config] { return table_content(config)->brake; };
    EXPECT_EQ(brake(), (nft::Brake{.ports = 5, .window = 2s}));
    config.limits.burst = 0;
    config.limits.burst_window = 1500ms;
    EXPECT_EQ(brake(), (nft::Brake{.ports = 10, .window = 1500ms})) << "the patient rule";
    config.limits.window = 1s;
    EXPECT_EQ(brake(), (nft::Brake{.ports = 10, .window = 1s})) << "no longer than anything is remembered";
    config.limits = {};
    config.limits.rule = core::DetectionRule::plain;
    config.limits.threshold = 12;
    EXPECT_EQ(brake(), (nft::Brake{.ports = 12, .window = 2s}));
    config.trap.brake = false;
    EXPECT_EQ(brake(), std::nullopt);
}

TEST_F(ConfigTest, KnowsWhatNeedsARestart) {
    Config running;
    Config wanted;
    wanted.limits.threshold = 3;
    wanted.allowed_networks.push_back({});
    EXPECT_TRUE(keys_needing_restart(running, wanted).empty());
    wanted.capture.last_queue = 7;
    wanted.nft_table = "other";
    wanted.mode = Mode::observe;
    EXPECT_EQ(keys_needing_restart(running, wanted), (Lines{"capture.*", "mode", "nft.table"}));
}

}  // namespace
}  // namespace farewell::config
