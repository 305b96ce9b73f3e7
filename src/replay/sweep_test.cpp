// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/sweep.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>

#include "capture_builder.hpp"
#include "scenario.hpp"

namespace farewell::replay {
namespace {

using namespace std::chrono_literals;
using test::Capture;
namespace fs = std::filesystem;

core::Address address(const std::array<std::uint8_t, 4>& bytes) {
    return core::Address::ipv4(std::as_bytes(std::span(bytes)));
}
constexpr std::array<std::uint8_t, 4> kScanner{198, 18, 0, 1};
constexpr std::array<std::uint8_t, 4> kInnocent{198, 18, 0, 9};

class SweepTest : public testing::Test {
 protected:
    SweepTest() {
        std::string name = testing::TempDir() + "farewell-sweep-XXXXXX";
        directory = mkdtemp(name.data());
        options.judged_by.limits = test::plain_limits();
        options.thresholds = {3, 10};
        options.windows = {3s, 1h};
    }
    ~SweepTest() override { fs::remove_all(directory); }

    /// A file in which each source tries `ports` ports, one a second.
    [[nodiscard]] fs::path file(std::uint16_t ports,
                                const std::vector<std::array<std::uint8_t, 4>>& sources) const {
        Capture capture;
        for (std::uint16_t i = 0; i < ports; ++i) {
            for (const auto& source : sources) {
                const auto port = static_cast<std::uint16_t>(1000 + i);
                capture.add(1000s + i * 1s,
                            build(test::Ipv4{.source = source,
                                             .payload = build(test::Tcp{.destination_port = port})}));
            }
        }
        fs::path path = directory / "capture.pcap";
        capture.save(path);
        return path;
    }
    /// What is counted for threshold 3, for both windows, then for 10.
    using Row = std::vector<std::uint64_t>;
    [[nodiscard]] Row counts(const fs::path& path, Content content, std::uint64_t PairResult::* count) const {
        Sweep sweep(options);
        EXPECT_TRUE(sweep.add(path, content, [](std::uint64_t) {}).has_packets());
        Row row;
        for (const PairResult& result : sweep.results()) {
            row.push_back(result.*count);
        }
        return row;
    }

    fs::path directory;
    SweepOptions options{};
};

TEST_F(SweepTest, EveryPairHasItsOwnEngine) {
    // Probes a second apart: three seconds hold three of them.
    const fs::path path = file(10, {kScanner});
    EXPECT_EQ(counts(path, Content::unknown, &PairResult::banned), (Row{1, 1, 0, 1}));
    EXPECT_EQ(counts(path, Content::unknown, &PairResult::likely_false), (Row{0, 0, 0, 0}));
    EXPECT_EQ(counts(path, Content::unknown, &PairResult::missed), (Row{0, 0, 0, 0}));
}

TEST_F(SweepTest, EveryBanInABenignFileIsFalse) {
    const fs::path path = file(4, {kScanner, kInnocent});
    EXPECT_EQ(counts(path, Content::benign, &PairResult::likely_false), (Row{2, 2, 0, 0}));
    EXPECT_EQ(counts(path, Content::benign, &PairResult::missed), (Row{0, 0, 0, 0}));
}

TEST_F(SweepTest, AScanWithoutABanIsMissed) {
    EXPECT_EQ(counts(file(4, {kScanner}), Content::scan, &PairResult::missed), (Row{0, 0, 1, 1}));
}

TEST_F(SweepTest, KnownScannersTellRightFromWrong) {
    options.scanners = {address(kScanner)};
    const fs::path path = file(4, {kScanner, kInnocent});
    EXPECT_EQ(counts(path, Content::unknown, &PairResult::banned), (Row{2, 2, 0, 0}));
    EXPECT_EQ(counts(path, Content::unknown, &PairResult::likely_false), (Row{1, 1, 0, 0}));
    EXPECT_EQ(counts(path, Content::unknown, &PairResult::missed), (Row{0, 0, 1, 1}));
    EXPECT_EQ(counts(file(4, {kInnocent}), Content::unknown, &PairResult::missed), (Row{0, 0, 0, 0}))
        << "who is not there cannot be missed";
}

TEST_F(SweepTest, FilesAddUp) {
    Sweep sweep(options);
    const fs::path path = file(10, {kScanner});
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(sweep.add(path, Content::unknown, [](std::uint64_t) {}).has_packets());
    }
    EXPECT_EQ(sweep.add(directory / "absent", Content::scan, [](std::uint64_t) {}).reading, Reading::failed);
    EXPECT_EQ(sweep.results().front().banned, 2U);
    EXPECT_EQ(sweep.results().front().missed, 0U);
}

}  // namespace
}  // namespace farewell::replay
