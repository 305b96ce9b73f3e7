// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/replay.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "capture_builder.hpp"
#include "replay/capture_files.hpp"
#include "scenario.hpp"

namespace farewell::replay {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::Capture;
namespace fs = std::filesystem;

constexpr std::chrono::nanoseconds kStart = 1'700'000'000s;
constexpr std::array<std::uint8_t, 4> kScanner{198, 18, 0, 1};
constexpr std::array<std::uint8_t, 4> kHost{198, 18, 0, 2};

Bytes syn(std::uint16_t port, std::array<std::uint8_t, 4> from = kScanner) {
    return build(test::Ipv4{.source = from, .payload = build(test::Tcp{.destination_port = port})});
}
Bytes from_host(std::uint16_t port, std::uint8_t flags, const Bytes& payload = {}) {
    return build(
        test::Ipv4{.source = kHost,
                   .destination = kScanner,
                   .payload = build(test::Tcp{
                       .source_port = port, .destination_port = 40000, .flags = flags, .payload = payload})});
}
Bytes syn_ack(std::uint16_t port) {
    return from_host(port, 0x12);
}

class ReplayTest : public testing::Test {
 protected:
    ReplayTest() {
        std::string name = testing::TempDir() + "farewell-replay-XXXXXX";
        directory = mkdtemp(name.data());
    }
    ~ReplayTest() override { fs::remove_all(directory); }

    fs::path write(const std::string& name, const Capture& capture) const {
        const fs::path path = directory / name;
        fs::create_directories(path.parent_path());
        capture.save(path);
        return path;
    }
    /// Probes of `count` ports from `first`, one a second.
    static Capture scan(std::uint16_t count, std::chrono::nanoseconds start = kStart,
                        std::uint16_t first = 1000) {
        Capture capture;
        for (std::uint16_t i = 0; i < count; ++i) {
            capture.add(start + i * 1s, syn(static_cast<std::uint16_t>(first + i)));
        }
        return capture;
    }
    [[nodiscard]] Report run(const std::vector<fs::path>& files) const {
        return replay(files, options, [](std::uint64_t) {});
    }
    [[nodiscard]] FileReport run(const Capture& capture) const {
        return run(std::vector{write("one.pcap", capture)}).files.at(0);
    }

    fs::path directory;
    Options options{
        .limits = test::plain_limits(), .allowlist = {}, .open = {}, .near_misses_from = std::nullopt};
};

TEST_F(ReplayTest, TheTenthClosedPortBans) {
    const FileReport report = run(scan(12));
    EXPECT_EQ(report.reading, Reading::whole);
    ASSERT_EQ(report.bans.size(), 1U);
    const BannedSource& ban = report.bans.front();
    EXPECT_EQ(ban.source, core::Prefix::of(core::Address::ipv4(std::as_bytes(std::span(kScanner)))));
    EXPECT_EQ(ban.at, core::Time(kStart + 9s));
    EXPECT_EQ(ban.first_probe, core::Time(kStart));
    EXPECT_EQ(ban.until, ban.at + options.limits.ban_duration);
    EXPECT_EQ(ban.probes, 10U);
    EXPECT_EQ(ban.evidence.ports.size(), 10U);
    EXPECT_EQ(ban.evidence.criterion, core::Criterion::plain);
    EXPECT_EQ(ban.kept_out, 2U);
    EXPECT_EQ(report.counts.probes, 10U);
    EXPECT_EQ(report.counts.kept_out, 2U);
    EXPECT_EQ(report.counts.sources, 1U);
}

TEST_F(ReplayTest, WhoWatchesSeesEveryProbeAndWhatABanKeptOut) {
    std::vector<std::uint16_t> probes;
    std::vector<std::uint16_t> kept_out;
    options.watch = [&](const core::Probe& probe, core::Time at, bool is_kept_out) {
        EXPECT_EQ(at, core::Time(kStart + std::chrono::seconds(probes.size() + kept_out.size())));
        (is_kept_out ? kept_out : probes).push_back(probe.port.number);
    };
    static_cast<void>(run(scan(12)));
    EXPECT_EQ(probes.size(), 10U);
    EXPECT_EQ(probes.front(), 1000);
    EXPECT_EQ(kept_out, (std::vector<std::uint16_t>{1010, 1011}));
}

TEST_F(ReplayTest, WhomAServerSentDataIsNotForged) {
    for (const bool has_data : {false, true}) {
        Capture capture;
        capture.add(kStart, syn(80)).add(kStart, syn_ack(80));
        if (has_data) {
            capture.add(kStart, from_host(80, 0x18, Bytes(20)));
        }
        for (std::uint16_t i = 0; i < 10; ++i) {
            capture.add(kStart + 1s, syn(static_cast<std::uint16_t>(1000 + i)));
        }
        const FileReport report = run(capture);
        ASSERT_EQ(report.bans.size(), 1U);
        EXPECT_EQ(report.bans[0].evidence.is_proven, has_data);
    }
}

TEST_F(ReplayTest, APortThatAnswersAtTheVeryEndWasNeverClosed) {
    EXPECT_TRUE(run(scan(10).add(kStart + 1h, syn_ack(1004))).bans.empty());
}

TEST_F(ReplayTest, InACaptureOfWhatWasDroppedEveryPacketCounts) {
    options.all_dropped = true;
    EXPECT_EQ(run(scan(10).add(kStart + 1h, syn_ack(1004))).bans.size(), 1U);
    options.open = {{.host = std::nullopt, .protocol = std::nullopt, .number = 1004}};
    EXPECT_TRUE(run(scan(10)).bans.empty()) << "but for those of open ports";
}

TEST_F(ReplayTest, AnOpenPortOfTheOperatorsIsNotClosedEither) {
    options.open = {{.host = std::nullopt, .protocol = std::nullopt, .number = 1004}};
    EXPECT_TRUE(run(scan(10)).bans.empty());
}

TEST_F(ReplayTest, TheAllowlistAndTheLimitsHold) {
    options.limits.threshold = 3;
    EXPECT_EQ(run(scan(10)).bans.size(), 1U);
    options.allowlist = {{.address = core::Address::ipv4(std::as_bytes(std::span(kScanner))), .length = 32}};
    EXPECT_TRUE(run(scan(10)).bans.empty());
}

TEST_F(ReplayTest, ABanEndsOnTheCapturesClock) {
    options.limits.ban_duration = 1min;
    Capture capture = scan(10);
    for (std::uint16_t i = 0; i < 10; ++i) {
        capture.add(kStart + 1h + i * 1s, syn(static_cast<std::uint16_t>(2000 + i)));
    }
    const FileReport report = run(capture);
    ASSERT_EQ(report.bans.size(), 2U);
    EXPECT_EQ(report.bans[0].kept_out, 0U);
    EXPECT_EQ(report.bans[1].probes, 10U) << "it started from nothing";
    EXPECT_EQ(report.bans[1].first_probe, core::Time(kStart + 1h));
}

TEST_F(ReplayTest, ProbesBeyondTheWindowDoNotAddUp) {
    options.limits.window = 5s;
    EXPECT_TRUE(run(scan(30)).bans.empty());
}

TEST_F(ReplayTest, TimeNeverGoesBack) {
    Capture capture = scan(9);
    capture.add(kStart - 1h, syn(3000));
    const FileReport report = run(capture);
    ASSERT_EQ(report.bans.size(), 1U);
    EXPECT_EQ(report.bans.front().at, core::Time(kStart + 8s));
    EXPECT_EQ(report.frames.clock_stepped_back, 1U);
}

TEST_F(ReplayTest, BansBeyondTheLimitAreCounted) {
    options.limits.threshold = 2;
    options.bans_told_max = 1;
    Capture capture;
    for (std::uint8_t source = 1; source <= 3; ++source) {
        capture.add(kStart, syn(1, {198, 18, 1, source})).add(kStart, syn(2, {198, 18, 1, source}));
    }
    const FileReport report = run(capture);
    EXPECT_EQ(report.bans.size(), 1U);
    EXPECT_EQ(report.counts.bans, 3U);
}

TEST_F(ReplayTest, SourcesBeyondTheLimitAreJudgedAllTheSame) {
    options.sources_counted_max = 0;
    const FileReport report = run(scan(10));
    ASSERT_EQ(report.bans.size(), 1U);
    EXPECT_EQ(report.bans.front().probes, std::nullopt);
    // As the evidence tells, whose times are of about a millisecond.
    EXPECT_GT(report.bans.front().first_probe, core::Time(kStart - 5ms));
    EXPECT_LT(report.bans.front().first_probe, core::Time(kStart + 5ms));
}

TEST_F(ReplayTest, NearMissesAreToldOnRequest) {
    EXPECT_TRUE(run(scan(6)).near_misses.empty());
    options.near_misses_from = 5;
    const FileReport report = run(scan(6).add(kStart + 9s, syn(1000, {198, 18, 0, 9})));
    ASSERT_EQ(report.near_misses.size(), 1U);
    EXPECT_EQ(report.near_misses.front().evidence.ports.size(), 6U);
    EXPECT_EQ(report.near_misses.front().probes, 6U);
}

TEST_F(ReplayTest, EachFileStartsFreshUnlessTheyArePartsOfOne) {
    const fs::path first = write("a.pcap", scan(5));
    const fs::path second = write("b.pcap", scan(5, kStart + 1min, 2000));
    EXPECT_TRUE(run({first}).files.at(0).bans.empty());
    EXPECT_TRUE(run({second}).files.at(0).bans.empty());
    const Report report = run({second, first});
    EXPECT_EQ(report.began, core::Time(kStart));
    EXPECT_EQ(report.files.at(0).file, first) << "by time, not by name";
    ASSERT_EQ(report.files.at(1).bans.size(), 1U);
    EXPECT_EQ(report.files.at(1).bans.front().at, core::Time(kStart + 1min + 4s));
}

TEST_F(ReplayTest, AnAnswerInAnotherPartCounts) {
    const fs::path first = write("a.pcap", scan(10));
    const fs::path second = write("b.pcap", Capture().add(kStart + 1min, syn_ack(1009)));
    EXPECT_TRUE(run({first, second}).files.at(0).bans.empty());
}

TEST_F(ReplayTest, ADamagedFileIsJudgedUpToTheDamage) {
    const FileReport report = run(scan(11).cut(3));
    EXPECT_EQ(report.reading, Reading::partly);
    EXPECT_EQ(report.problem.value().failure, source::CaptureFailure::damaged);
    EXPECT_EQ(report.bans.size(), 1U);
}

TEST_F(ReplayTest, WhatCannotBeReadSaysWhy) {
    test::save(test::bytes({'t', 'e', 'x', 't'}), directory / "notes.txt");
    const auto unsupported = write("usb.pcap", Capture(test::link_type::kUnsupported).add(kStart, syn(1)));
    const Report report = run({unsupported, directory / "notes.txt", directory / "absent.pcap"});
    EXPECT_EQ(report.files.at(0).reading, Reading::failed);
    EXPECT_EQ(report.files.at(0).problem.value().failure, source::CaptureFailure::cannot_open);
    EXPECT_EQ(report.files.at(1).problem.value().failure, source::CaptureFailure::not_a_capture);
    EXPECT_EQ(report.files.at(2).reading, Reading::unsupported_link);
}

TEST_F(ReplayTest, WhatIsNoProbeIsCountedByItsReason) {
    Capture capture(test::link_type::kEthernet);
    const Bytes arp = test::bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x08, 0x06});
    Bytes frame = test::bytes({2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00});
    const Bytes reset = build(test::Ipv4{.payload = build(test::Tcp{.flags = 0x04})});
    frame.insert(frame.end(), reset.begin(), reset.end());
    Bytes truncated(frame.begin(), frame.begin() + 20);
    capture.add(kStart, arp).add(kStart, frame).add(kStart, truncated);
    const FileReport report = run(capture);
    EXPECT_EQ(report.frames.frames, 3U);
    EXPECT_EQ(report.frames.not_ip, 1U);
    EXPECT_EQ(report.frames.undecoded[static_cast<std::size_t>(core::DecodeError::truncated)], 1U);
    EXPECT_EQ(report.counts.rules[static_cast<std::size_t>(core::Rule::backscatter)], 1U);
    EXPECT_EQ(report.counts.fates[static_cast<std::size_t>(Fate::dropped)], 1U);
}

TEST_F(ReplayTest, ProgressAddsUpToBothPasses) {
    const fs::path file = write("a.pcap", scan(20));
    std::uint64_t bytes = 0;
    const Report report = replay({file}, options, [&bytes](std::uint64_t more) { bytes += more; });
    EXPECT_EQ(bytes, 2 * fs::file_size(file));
}

TEST_F(ReplayTest, FoldersAreWalkedInOrder) {
    write("folder/b.pcap", scan(1));
    write("folder/a/z.pcap", scan(1));
    const fs::path named = write("named.pcap", scan(1));
    const auto files = capture_files({named, directory / "folder", "/nonexistent"});
    ASSERT_EQ(files.size(), 4U);
    EXPECT_EQ(files[0].path, named);
    EXPECT_TRUE(files[0].named);
    EXPECT_EQ(files[0].bytes, fs::file_size(named));
    EXPECT_EQ(files[1].path, directory / "folder/a/z.pcap");
    EXPECT_FALSE(files[1].named);
    EXPECT_EQ(files[2].path, directory / "folder/b.pcap");
    EXPECT_EQ(files[3].path, "/nonexistent");
}

}  // namespace
}  // namespace farewell::replay
