// SPDX-License-Identifier: MIT
#include <farewell/nflog/group.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "netlink/message.hpp"
#include "nflog/fake_log.hpp"
#include "nflog/gathering.hpp"

namespace farewell::nflog {
namespace {

using namespace std::chrono_literals;
using Bytes = FakeLog::Bytes;

Bytes bytes(std::initializer_list<unsigned> values) {
    Bytes result;
    for (const unsigned value : values) {
        result.push_back(static_cast<std::byte>(value));
    }
    return result;
}

Bytes joined(std::initializer_list<Bytes> messages) {
    Bytes all;
    for (const Bytes& message : messages) {
        all.insert(all.end(), message.begin(), message.end());
    }
    return all;
}

/// The attributes of a configuration, as numbers in network order by type.
std::map<unsigned, std::uint64_t> configuration(const Bytes& sent) {
    std::map<unsigned, std::uint64_t> result;
    netlink::MessageReader reader(sent);
    netlink::AttributeReader attributes(reader.next()->body.subspan(4));
    while (const auto attribute = attributes.next()) {
        std::uint64_t number = 0;
        for (const std::byte byte : attribute->value) {
            number = number << 8U | std::to_integer<std::uint64_t>(byte);
        }
        result[attribute->type] = number;
    }
    return result;
}

TEST(Group, OneMessageBindsAndSetsEverything) {
    FakeLog kernel;
    const auto group = kernel.open({.number = 7, .copy_range = 64, .flush_timeout = 20ms});
    ASSERT_TRUE(group);
    ASSERT_EQ(kernel.sent.size(), 1U);
    EXPECT_EQ(configuration(kernel.sent[0]),
              (std::map<unsigned, std::uint64_t>{{NFULA_CFG_CMD, NFULNL_CFG_CMD_BIND},
                                                 {NFULA_CFG_MODE, std::uint64_t{64} << 16U | 0x0200U},
                                                 {NFULA_CFG_TIMEOUT, 2},
                                                 {NFULA_CFG_NLBUFSIZ, 131072},
                                                 {NFULA_CFG_QTHRESH, 512},
                                                 {NFULA_CFG_FLAGS, NFULNL_CFG_F_SEQ}}));
}

TEST(Group, AFlushTimeoutIsNeverNoneAtAll) {
    FakeLog kernel;
    ASSERT_TRUE(kernel.open({.flush_timeout = 0ms}));
    EXPECT_EQ(configuration(kernel.sent[0])[NFULA_CFG_TIMEOUT], 1U) << "0 would be the kernel's next tick";
}

TEST(Group, WhatComesSlowlyIsHandedOverAtOnceAndAFloodIsGathered) {
    FakeLog kernel;
    auto group = kernel.open({.number = 7, .prompt_below = 20'000});
    ASSERT_TRUE(group);
    EXPECT_EQ(configuration(kernel.sent[0])[NFULA_CFG_QTHRESH], 1U);
    EXPECT_EQ(configuration(kernel.sent[0])[NFULA_CFG_NLBUFSIZ], 8192U);
    Bytes flood;
    for (std::uint32_t i = 0; i < 5'000'000;
         i += 50'000) {  // more than any machine takes ten milliseconds for
        const Bytes packet = FakeLog::packet(i);
        flood.insert(flood.end(), packet.begin(), packet.end());
    }
    for (int i = 0; i < 1000 && kernel.sent.size() < 2; ++i) {
        kernel.arrive(flood);
        ASSERT_TRUE(group->receive([](const Packet&) {}, 0ms));
    }
    ASSERT_EQ(kernel.sent.size(), 2U);
    EXPECT_EQ(configuration(kernel.sent[1]),
              (std::map<unsigned, std::uint64_t>{{NFULA_CFG_NLBUFSIZ, 131072}, {NFULA_CFG_QTHRESH, 512}}));
}

TEST(Gathering, FollowsThePace) {
    const Gathering::Time start = Gathering::Time() + 1h;
    Gathering gathering(20'000);
    EXPECT_TRUE(gathering.is_prompt());
    EXPECT_FALSE(gathering.note(1, start));
    EXPECT_FALSE(gathering.note(199, start + 9ms)) << "200 in ten milliseconds";
    EXPECT_TRUE(gathering.note(1, start + 9ms)) << "the span need not be over";
    EXPECT_FALSE(gathering.is_prompt());
    EXPECT_FALSE(gathering.note(1, start + 18ms));
    EXPECT_FALSE(gathering.note(100, start + 19ms)) << "just above half";
    EXPECT_FALSE(gathering.note(50, start + 28ms)) << "too early to tell";
    EXPECT_TRUE(gathering.note(49, start + 29ms));
    EXPECT_TRUE(gathering.is_prompt());
}

TEST(Gathering, APauseEndsAFlood) {
    const Gathering::Time start = Gathering::Time() + 1h;
    Gathering gathering(20'000);
    gathering.note(1, start);
    ASSERT_TRUE(gathering.note(512, start + 1ms));
    EXPECT_TRUE(gathering.note(300, start + 1s)) << "many, and far between";
}

TEST(Gathering, MayBeForEver) {
    Gathering gathering(0);
    EXPECT_FALSE(gathering.is_prompt());
    EXPECT_FALSE(gathering.note(1, Gathering::Time() + 1h));
    EXPECT_FALSE(gathering.is_prompt());
}

TEST(Group, OneDatagramHoldsManyPackets) {
    FakeLog kernel;
    auto group = kernel.open();
    ASSERT_TRUE(group);
    kernel.arrive(joined(
        {FakeLog::packet(0), FakeLog::packet(1, bytes({0x45, 1, 2}), "closed: "), FakeLog::packet(2)}));
    std::vector<std::string> prefixes;
    EXPECT_EQ(group
                  ->receive(
                      [&](std::span<const Packet> packets) {
                          ASSERT_EQ(packets.size(), 3U);
                          EXPECT_EQ(packets[1].payload.size(), 3U);
                          EXPECT_EQ(packets[1].prefix, "closed: ");
                          EXPECT_EQ(packets[1].hardware_protocol, 0x0800);
                          EXPECT_EQ(packets[1].hook, Hook::input);
                          EXPECT_EQ(packets[1].family, 2);
                          EXPECT_EQ(packets[2].prefix, "");
                      },
                      0ms)
                  .value(),
              3U);
    EXPECT_EQ(group->stats().packets, 3U);
    EXPECT_EQ(group->stats().datagrams, 1U);
}

TEST(Group, AHandlerMayTakeOnePacketAtATime) {
    FakeLog kernel;
    auto group = kernel.open();
    ASSERT_TRUE(group);
    kernel.arrive(joined({FakeLog::packet(0), FakeLog::packet(1)}));
    std::vector<std::uint32_t> seen;
    ASSERT_TRUE(group->receive([&](const Packet& packet) { seen.push_back(*packet.sequence); }, 0ms));
    EXPECT_EQ(seen, (std::vector<std::uint32_t>{0, 1}));
}

TEST(Group, LossIsTheGapInTheSequenceAlsoWhereItWraps) {
    FakeLog kernel;
    auto group = kernel.open();
    ASSERT_TRUE(group);
    const auto lost_after = [&](std::initializer_list<std::uint32_t> sequences) {
        const auto before = group->stats().lost_in_socket;
        for (const std::uint32_t sequence : sequences) {
            kernel.arrive(FakeLog::packet(sequence));
        }
        EXPECT_TRUE(group->receive([](const Packet&) {}, 0ms));
        return group->stats().lost_in_socket - before;
    };
    EXPECT_EQ(lost_after({0, 1, 2}), 0U);
    EXPECT_EQ(lost_after({5}), 2U);
    EXPECT_EQ(lost_after({0x7fffffff}), 0x7fffffffU - 6);
    EXPECT_EQ(lost_after({0xfffffffe, 1}), 0x7ffffffeU + 2);
}

TEST(Group, WhatComesBeforeTheAcknowledgementIsDelivered) {
    FakeLog kernel;
    kernel.before_answer.push_back(FakeLog::packet(0));
    auto group = kernel.open();
    ASSERT_TRUE(group);
    EXPECT_EQ(group->receive([](const Packet&) {}, 0ms).value(), 1U);
}

TEST(Group, AStopTakesWhatTheKernelHadGathered) {
    FakeLog kernel;
    kernel.at_unbind.push_back(FakeLog::packet(1));
    auto group = kernel.open();
    ASSERT_TRUE(group);
    kernel.arrive(FakeLog::packet(0));
    std::stop_source stop;
    std::size_t seen = 0;
    ASSERT_TRUE(group->run(
        [&](const Packet&) {
            ++seen;
            stop.request_stop();
        },
        stop.get_token()));
    EXPECT_EQ(seen, 2U);
    EXPECT_EQ(configuration(kernel.sent.back())[NFULA_CFG_CMD], unsigned{NFULNL_CFG_CMD_UNBIND});
}

TEST(Group, DamagedMessagesAreCountedAndNotFatal) {
    FakeLog kernel;
    auto group = kernel.open();
    ASSERT_TRUE(group);
    kernel.arrive(FakeLog::message({{NFULA_PACKET_HDR, bytes({8})}, {NFULA_MARK, bytes({1, 2})}}));
    kernel.arrive(bytes({1, 2, 3}));
    Bytes cut = FakeLog::packet(0);
    cut.resize(cut.size() - 8);
    kernel.arrive(cut, true);
    EXPECT_EQ(group->receive([](const Packet&) {}, 0ms).value(), 2U);
    EXPECT_EQ(group->stats().malformed_messages, 2U);
    EXPECT_EQ(group->stats().truncated_datagrams, 1U);
}

TEST(Group, EverythingTheKernelTellsIsRead) {
    FakeLog kernel;
    auto group = kernel.open();
    ASSERT_TRUE(group);
    netlink::MessageWriter vlan;
    vlan.begin(0, 0, 0);
    vlan.attribute(NFULA_VLAN_TCI, bytes({0x20, 5}));
    const Bytes tag(vlan.bytes().begin() + netlink::kHeaderBytes, vlan.bytes().end());
    kernel.arrive(
        FakeLog::message({{NFULA_MARK, bytes({0, 0, 0, 9})},
                          {NFULA_IFINDEX_INDEV, bytes({0, 0, 0, 2})},
                          {NFULA_IFINDEX_OUTDEV, bytes({0, 0, 0, 3})},
                          {NFULA_IFINDEX_PHYSINDEV, bytes({0, 0, 0, 4})},
                          {NFULA_IFINDEX_PHYSOUTDEV, bytes({0, 0, 0, 5})},
                          {NFULA_HWADDR, bytes({0, 6, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0})},
                          {NFULA_HWHEADER, bytes({1, 2, 3})},
                          {NFULA_VLAN, tag},
                          {NFULA_UID, bytes({0, 0, 3, 232})},
                          {NFULA_GID, bytes({0, 0, 0, 100})},
                          {NFULA_TIMESTAMP, bytes({0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2})},
                          {NFULA_CT, bytes({1, 1})},
                          {NFULA_CT_INFO, bytes({0, 0, 0, 2})}}));
    ASSERT_TRUE(group->receive(
        [](const Packet& packet) {
            EXPECT_FALSE(packet.sequence);
            EXPECT_EQ(packet.mark, 9U);
            EXPECT_EQ(packet.input_interface, 2U);
            EXPECT_EQ(packet.output_interface, 3U);
            EXPECT_EQ(packet.physical_input_interface, 4U);
            EXPECT_EQ(packet.physical_output_interface, 5U);
            EXPECT_EQ(packet.hardware_address.size(), 6U);
            EXPECT_EQ(packet.link_header.size(), 3U);
            EXPECT_EQ(packet.vlan_tag, 0x2005);
            EXPECT_EQ(packet.uid, 1000U);
            EXPECT_EQ(packet.gid, 100U);
            EXPECT_EQ(packet.timestamp, Timestamp(1s + 2us));
            EXPECT_EQ(packet.conntrack.size(), 2U);
            EXPECT_EQ(packet.conntrack_info, 2U);
        },
        0ms));
    EXPECT_EQ(group->stats().malformed_messages, 0U);
}

TEST(Group, ConntrackIsGivenUpWhereTheKernelLacksIt) {
    FakeLog kernel;
    kernel.answers = {EOPNOTSUPP};
    const auto group = kernel.open({.conntrack = true});
    ASSERT_TRUE(group);
    EXPECT_FALSE(group->has_conntrack());
    EXPECT_EQ(configuration(kernel.sent[0])[NFULA_CFG_FLAGS], NFULNL_CFG_F_SEQ | NFULNL_CFG_F_CONNTRACK);
    EXPECT_EQ(configuration(kernel.sent[1])[NFULA_CFG_FLAGS], unsigned{NFULNL_CFG_F_SEQ});
}

TEST(Group, RefusalsAreToldApart) {
    const auto refused = [](int answer) {
        FakeLog kernel;
        kernel.answers = {answer};
        return kernel.open({.number = 7}).error();
    };
    EXPECT_EQ(refused(EPERM).message(), "bind log group 7: not permitted without CAP_NET_ADMIN");
    EXPECT_EQ(refused(EINVAL).message(), "bind log group 7: this kernel has no nfnetlink_log");
    EXPECT_EQ(refused(ENOMEM).kind, ErrorKind::system);
}

TEST(Group, ValuesThatCannotBeAreRefused) {
    for (const GroupConfig& config :
         {GroupConfig{.copy_range = 65536}, GroupConfig{.queue_threshold = 0},
          GroupConfig{.gather_bytes = 131073}, GroupConfig{.gather_bytes = 100},
          GroupConfig{.flush_timeout = 10'001ms}, GroupConfig{.flush_timeout = -1ms}}) {
        const auto group = Group::open(config);
        ASSERT_FALSE(group);
        EXPECT_EQ(group.error().kind, ErrorKind::invalid_config);
    }
}

}  // namespace
}  // namespace farewell::nflog
