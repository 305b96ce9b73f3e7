// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/service_memory.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/decode.hpp"
#include "scenario.hpp"

namespace farewell::host {
namespace {

using namespace std::chrono_literals;
using core::Port;
using test::at;
using Ports = std::vector<Port>;

constexpr WallTime kWall{1'790'000'000s};
constexpr const char* kHeader = "# farewell services 1: protocol/port, last seen (seconds since 1970)\n";

Port tcp(std::uint16_t number) {
    return {.protocol = core::protocol::kTcp, .number = number};
}
Port udp(std::uint16_t number) {
    return {.protocol = core::protocol::kUdp, .number = number};
}

void see(ServiceMemory& memory, const Ports& ports, core::Time now) {
    memory.on_listeners(ports, 32768, 60999, now);
}

TEST(ServiceMemory, RemembersForADay) {
    ServiceMemory memory(24h);
    see(memory, {tcp(80), tcp(22), tcp(80)}, at(1h));
    EXPECT_EQ(memory.served(), (Ports{tcp(22), tcp(80)}));
    see(memory, {tcp(22)}, at(2h));
    EXPECT_EQ(memory.served(), (Ports{tcp(22), tcp(80)}));
    see(memory, {tcp(22)}, at(25h) - 1ns);
    EXPECT_EQ(memory.served(), (Ports{tcp(22), tcp(80)}));
    see(memory, {tcp(22)}, at(25h));
    EXPECT_EQ(memory.served(), Ports{tcp(22)});
}

TEST(ServiceMemory, SwitchedOffItKnowsWhatListensNow) {
    ServiceMemory memory(0s);
    see(memory, {tcp(22), tcp(80)}, at(1h));
    EXPECT_EQ(memory.served().size(), 2U);
    see(memory, {tcp(22)}, at(1h + 5s));
    EXPECT_EQ(memory.served(), Ports{tcp(22)});
}

TEST(ServiceMemory, UdpClientsAreForgottenAtOnce) {
    ServiceMemory memory(24h);
    see(memory, {udp(40000), udp(53), tcp(40000)}, at(0s));
    EXPECT_EQ(memory.served().size(), 3U) << "while it is there it is served";
    EXPECT_EQ(memory.lasting(), (Ports{tcp(40000), udp(53)}));
    see(memory, {}, at(5s));
    EXPECT_EQ(memory.served(), (Ports{tcp(40000), udp(53)}));
}

TEST(ServiceMemory, AUdpServiceOfAnEphemeralPortSettles) {
    ServiceMemory memory(24h);
    for (auto passed = 0s; passed <= ServiceMemory::kSettledAfter; passed += 5s) {
        see(memory, {udp(51820)}, at(passed));
    }
    see(memory, {}, at(11min));
    EXPECT_EQ(memory.served(), Ports{udp(51820)});
    see(memory, {udp(51820)}, at(12min));
    see(memory, {}, at(13min));
    EXPECT_EQ(memory.lasting(), Ports{udp(51820)}) << "and stays settled when it comes back";
}

TEST(ServiceMemory, IsLimitedAndForgetsTheOldest) {
    ServiceMemory memory(24h);
    Ports many;
    for (std::size_t number = 1; number <= ServiceMemory::kPortsMax; ++number) {
        many.push_back(tcp(static_cast<std::uint16_t>(number)));
    }
    see(memory, {tcp(60000), tcp(60001)}, at(1s));
    see(memory, many, at(2s));
    EXPECT_EQ(memory.served(), many);
}

TEST(ServiceMemory, SurvivesARestartOfTheHost) {
    ServiceMemory before(24h);
    see(before, {tcp(22), udp(53), {.protocol = core::protocol::kSctp, .number = 3868}, udp(40000)},
        at(100h));
    see(before, {tcp(22)}, at(101h));
    const std::string text = before.to_text(at(101h), kWall);
    EXPECT_EQ(text, std::string(kHeader) + "tcp/22 1790000000\nudp/53 1789996400\nsctp/3868 1789996400\n");
    ServiceMemory after(24h);
    ASSERT_TRUE(after.take_text(text, at(1min), kWall + 1h));  // the other clock began anew
    EXPECT_EQ(after.served().size(), 3U);
    see(after, {}, at(22h + 2min));
    EXPECT_EQ(after.served(), Ports{tcp(22)}) << "the ages went along";
    see(after, {}, at(24h));
    EXPECT_TRUE(after.served().empty());
}

TEST(ServiceMemory, OldOnesAreNotTakenOverAndTimesToComeAreNow) {
    ServiceMemory memory(24h);
    const std::string text =
        std::string(kHeader) + "tcp/22 1789913600\ntcp/25 1789913601\ntcp/80 2000000000\n";
    ASSERT_TRUE(memory.take_text(text, at(1h), kWall));
    EXPECT_EQ(memory.served(), (Ports{tcp(25), tcp(80)}));
    see(memory, {}, at(25h) - 1ns);
    EXPECT_EQ(memory.served(), Ports{tcp(80)});
    see(memory, {}, at(25h));
    EXPECT_TRUE(memory.served().empty()) << "not kept for years";
}

TEST(ServiceMemory, ABrokenFileChangesNothing) {
    for (const std::string wrong :
         {"tcp/22", "tcp/22 ", "tcp/22 x", "tcp/22 -1", "tcp/22 99999999999", "tcp/65536 1", "tcp/022 1",
          "proto/47 1", "icmp/1 1", "tcp 1", "", "tcp/22 1 2", "tcp/ 1"}) {
        ServiceMemory memory(24h);
        const auto taken = memory.take_text(kHeader + ("tcp/80 1790000000\n" + wrong + "\n"), at(1h), kWall);
        ASSERT_FALSE(taken) << wrong;
        EXPECT_EQ(taken.error(), "line 3 is none of farewell's") << wrong;
        EXPECT_TRUE(memory.served().empty()) << wrong;
    }
    ServiceMemory memory(24h);
    EXPECT_EQ(memory.take_text("", at(1h), kWall).error(), "it is empty");
    EXPECT_EQ(memory.take_text("tcp/80 1790000000\n", at(1h), kWall).error(), "line 1 is none of farewell's");
    EXPECT_FALSE(memory.take_text(std::string(kHeader) + "tcp/80 1790000000", at(1h), kWall)) << "cut off";
    EXPECT_TRUE(memory.take_text(kHeader, at(1h), kWall)) << "nothing was served";
}

TEST(ServiceMemory, AFileOfTooManyIsNotOurs) {
    std::string text = kHeader;
    for (std::size_t i = 0; i <= ServiceMemory::kPortsMax; ++i) {
        text += "tcp/" + std::to_string(i) + " 1790000000\n";
    }
    ServiceMemory memory(24h);
    EXPECT_FALSE(memory.take_text(text, at(1h), kWall));
}

}  // namespace
}  // namespace farewell::host
