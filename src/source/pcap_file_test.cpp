// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/pcap_file.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

#include "capture_builder.hpp"

namespace farewell::source {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::bytes;
using test::Capture;

std::expected<PcapFile, CaptureError> open(Bytes& content) {
    return PcapFile::read_from(fmemopen(content.data(), content.size(), "r"));
}

struct Outcome {
    std::vector<Bytes> frames;
    std::vector<core::Time> times;
    std::optional<CaptureError> error;
};

Outcome read_all(Bytes content) {
    Outcome outcome;
    auto file = open(content);
    if (!file) {
        outcome.error = file.error();
        return outcome;
    }
    while (true) {
        const auto frame = file->next();
        if (!frame) {
            outcome.error = frame.error();
            return outcome;
        }
        if (!*frame) {
            return outcome;
        }
        outcome.frames.emplace_back((*frame)->bytes.begin(), (*frame)->bytes.end());
        outcome.times.push_back((*frame)->at);
    }
}

const Bytes kFrame = bytes({1, 2, 3, 4, 5});

TEST(PcapFile, YieldsFramesWithTheirTimes) {
    const auto outcome = read_all(Capture().add(1s + 2ns, kFrame).add(3s, bytes({9})).bytes());
    EXPECT_FALSE(outcome.error);
    EXPECT_EQ(outcome.frames, (std::vector<Bytes>{kFrame, bytes({9})}));
    EXPECT_EQ(outcome.times, (std::vector{core::Time(1s + 2ns), core::Time(3s)}));
}

TEST(PcapFile, TellsHowLongACutFrameWas) {
    Bytes content = Capture().add(1s, kFrame, 1500).bytes();
    auto file = open(content);
    ASSERT_TRUE(file);
    const auto frame = file->next();
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((*frame)->original_length, 1500U);
}

TEST(PcapFile, ReadsPcapng) {
    const auto outcome = read_all(test::build_pcapng(test::link_type::kRaw, 1500ms, kFrame));
    EXPECT_FALSE(outcome.error);
    EXPECT_EQ(outcome.frames, std::vector<Bytes>({kFrame}));
    EXPECT_EQ(outcome.times, std::vector{core::Time(1500ms)});
}

TEST(PcapFile, KnowsItsLinkType) {
    Bytes content = Capture(test::link_type::kEthernet).bytes();
    const auto file = open(content);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->link_name(), "EN10MB");
}

TEST(PcapFile, ATruncatedFileGivesWhatStandsBefore) {
    const auto outcome = read_all(Capture().add(1s, kFrame).add(2s, kFrame).cut(2).bytes());
    EXPECT_EQ(outcome.frames, std::vector<Bytes>({kFrame}));
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->failure, CaptureFailure::damaged);
    EXPECT_NE(outcome.error->message, "");
}

TEST(PcapFile, WhatDoesNotBeginAsACaptureIsNone) {
    for (const Bytes& content : {bytes({'#', '!', '/', 'b', 'i', 'n'}), bytes({0xd4})}) {
        const auto outcome = read_all(content);
        ASSERT_TRUE(outcome.error);
        EXPECT_EQ(outcome.error->failure, CaptureFailure::not_a_capture);
    }
}

TEST(PcapFile, WhatCannotBeOpenedSaysWhy) {
    const auto file = PcapFile::open("/nonexistent/capture.pcap");
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().failure, CaptureFailure::cannot_open);
    EXPECT_EQ(file.error().message, "No such file or directory");
}

TEST(PcapFile, APipeOrADeviceIsNotRead) {
    const auto file = PcapFile::open("/dev/null");
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().failure, CaptureFailure::cannot_open);
    EXPECT_EQ(file.error().message, "not a regular file");
}

TEST(PcapFile, NoTimeOverflows) {
    Bytes content = test::build_pcapng(test::link_type::kRaw, std::chrono::microseconds::max(), kFrame);
    const auto outcome = read_all(content);
    ASSERT_EQ(outcome.times.size(), 1U);
    EXPECT_GE(outcome.times.front(), core::Time());
    EXPECT_GT(core::Time::max() - outcome.times.front(), 366 * 24h) << "a ban's end can still be told";
}

}  // namespace
}  // namespace farewell::source
