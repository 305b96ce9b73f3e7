// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/packet_reader.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "packet_builder.hpp"
#include "scenario.hpp"

namespace farewell::source {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::Ipv4;
using test::Tcp;

bool read(PacketReader& reader, const test::Bytes& packet) {
    const auto probe = reader.read(packet, packet.size(), at(1s));
    return probe && reader.push(*probe, at(1s));
}

TEST(PacketReader, ProbesGoToTheRingAndEverythingIsCounted) {
    ProbeRing ring;
    SharedKnowledge knowledge;
    PacketReader reader(ring, knowledge);
    EXPECT_TRUE(read(reader, build(Ipv4{.payload = build(Tcp{.destination_port = 23})})));
    EXPECT_FALSE(read(reader, build(Ipv4{.payload = build(Tcp{.flags = 4})})));
    EXPECT_FALSE(read(reader, test::bytes({0x90})));
    EXPECT_FALSE(reader.read({}, 40, at(1s)));
    const PacketCounts counts = reader.counts();
    EXPECT_EQ(counts.packets, 4U);
    EXPECT_EQ(counts.probes, 1U);
    EXPECT_EQ(counts.rules[static_cast<std::size_t>(core::Rule::backscatter)], 1U);
    EXPECT_EQ(counts.rules[static_cast<std::size_t>(core::Rule::syn)], 1U);
    EXPECT_EQ(counts.undecoded[static_cast<std::size_t>(core::DecodeError::not_ip)], 1U);
    EXPECT_EQ(counts.undecoded[static_cast<std::size_t>(core::DecodeError::empty)], 1U);
    std::array<core::Arrival, 10> room;
    const auto taken = ring.take(room);
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].probe.port.number, 23);
    EXPECT_TRUE(ring.take(room).empty());
}

TEST(PacketReader, AFullRingLosesProbesAndSaysSo) {
    ProbeRing ring;
    SharedKnowledge knowledge;
    PacketReader reader(ring, knowledge);
    const auto packet = build(Ipv4{.payload = build(Tcp{})});
    for (std::size_t i = 0; i < ProbeRing::kCapacity + 5; ++i) {
        read(reader, packet);
    }
    EXPECT_EQ(reader.counts().probes, ProbeRing::kCapacity);
    EXPECT_EQ(reader.counts().probes_lost, 5U);
}

TEST(PacketReader, DirectedBroadcastsAreChatterAsSoonAsTheyAreKnown) {
    ProbeRing ring;
    SharedKnowledge knowledge;
    PacketReader reader(ring, knowledge);
    const auto packet =
        build(Ipv4{.destination = {198, 18, 0, 255}, .protocol = 17, .payload = test::build_udp(1, 2)});
    EXPECT_TRUE(read(reader, packet));
    const std::array bytes{std::byte{198}, std::byte{18}, std::byte{0}, std::byte{255}};
    core::Knowledge::Facts facts;
    facts.broadcasts = {core::Address::ipv4(bytes)};
    knowledge.publish(std::make_shared<const core::Knowledge>(facts));
    EXPECT_FALSE(read(reader, packet));
    EXPECT_EQ(reader.counts().rules[static_cast<std::size_t>(core::Rule::chatter)], 1U);
    knowledge.publish(std::make_shared<const core::Knowledge>());
    EXPECT_TRUE(read(reader, packet));
}

TEST(Doorbell, NoRingIsLost) {
    Doorbell doorbell;
    ProbeRing ring;
    constexpr int kArrivals = 200'000;
    std::jthread producer([&] {
        for (int i = 0; i < kArrivals; ++i) {
            while (!ring.push({})) {
                std::this_thread::yield();
            }
            doorbell.ring();
        }
    });
    std::array<core::Arrival, 64> room;
    int taken = 0;
    while (taken < kArrivals) {
        taken += static_cast<int>(ring.take(room).size());
        doorbell.announce_sleep();
        if (ring.empty() && taken < kArrivals) {
            const auto before = std::chrono::steady_clock::now();
            doorbell.sleep(30s);
            ASSERT_LT(std::chrono::steady_clock::now() - before, 29s)
                << "slept although rung, after " << taken;
        } else {
            doorbell.stay_awake();
        }
    }
    EXPECT_EQ(taken, kArrivals);
}

}  // namespace
}  // namespace farewell::source
