// SPDX-License-Identifier: GPL-2.0-or-later
// Text forms of addresses, quantities and suggestions, and the text of streams.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>

#include "report/address_text.hpp"
#include "report/quantity_text.hpp"
#include "report/stream_text.hpp"
#include "report/suggestion.hpp"

namespace farewell::report {
namespace {

using namespace std::chrono_literals;

TEST(AddressText, RoundTripsBothFamilies) {
    for (const char* text :
         {"0.0.0.0", "192.0.2.7", "255.255.255.255", "::", "2001:db8::7", "::ffff:192.0.2.7"}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(to_text(*address), text);
    }
}

TEST(AddressText, KeepsMappedAddressesInTheirOwnFamily) {
    EXPECT_EQ(parse_address("::ffff:192.0.2.7")->family(), core::Family::ipv6);
}

TEST(AddressText, RefusesWhatIsNotOneWholeAddress) {
    for (const char* text :
         {"", "192.0.2", "192.0.2.7 ", "192.0.2.256", "fe80::1%eth0", "example", "192.0.2.7/24"}) {
        EXPECT_FALSE(parse_address(text)) << text;
    }
}

TEST(PrefixText, ParsesNetworksAndSingleAddresses) {
    EXPECT_EQ(to_text(*parse_prefix("192.0.2.0/24")), "192.0.2.0/24");
    EXPECT_EQ(to_text(*parse_prefix("2001:db8::/32")), "2001:db8::/32");
    EXPECT_EQ(to_text(*parse_prefix("192.0.2.7")), "192.0.2.7");
    EXPECT_EQ(parse_prefix("0.0.0.0/0")->length, 0);
}

TEST(SourceText, TakesWhatCanBeBannedAndSaysWhatThatIs) {
    for (const char* text :
         {"192.0.2.7", "192.0.2.0/24", "198.18.0.0/16", "2001:db8::7", "2001:db8:0:1::/64",
          "2001:db8:0:100::/56", "2001:db8:0:10::/60", "2001:db8::/32", "2001::/16", "10.0.0.0/8"}) {
        const auto source = parse_source(text);
        ASSERT_TRUE(source) << text << ": " << source.error();
        EXPECT_EQ(to_text(*source), text);
    }
    EXPECT_EQ(parse_source("192.0.2.7/32"), parse_source("192.0.2.7"));
    EXPECT_EQ(parse_source("2000::/15").error(),
              "`2000::/15` is too wide to be banned: at most a /16 of IPv6 can be");
    EXPECT_EQ(parse_source("8.0.0.0/7").error(),
              "`8.0.0.0/7` is too wide to be banned: at most a /8 of IPv4 can be");
    EXPECT_NE(parse_source("192.0.2.7/24").error().find("no bit set beyond its length"), std::string::npos);
    EXPECT_FALSE(parse_source(""));
}

TEST(PrefixText, RefusesHostBitsAndImpossibleLengths) {
    for (const char* text :
         {"192.0.2.7/24", "192.0.2.0/33", "2001:db8::1/64", "192.0.2.0/", "192.0.2.0/+8", "/24"}) {
        EXPECT_FALSE(parse_prefix(text)) << text;
    }
}

TEST(PortText, NamesTheProtocol) {
    EXPECT_EQ(to_text(core::Port{.protocol = 6, .number = 443}), "tcp/443");
    EXPECT_EQ(to_text(core::Port{.protocol = 17, .number = 53}), "udp/53");
    EXPECT_EQ(to_text(core::Port{.protocol = 132, .number = 5060}), "sctp/5060");
    EXPECT_EQ(to_text(core::Port{.protocol = 47, .number = 0}), "proto/47");
}

TEST(DurationText, ParsesUnitsAndSums) {
    EXPECT_EQ(parse_duration("24h"), 24h);
    EXPECT_EQ(parse_duration("1h30m"), 90min);
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("7d"), 168h);
    EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(DurationText, RefusesGuessesAndOverflow) {
    for (const char* text : {"", "10", "h", "-1h", "1 h", "1hour", "9999999999999d"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(DurationText, ShowsTheTwoLargestUnits) {
    EXPECT_EQ(to_text(11h + 59min + 58s), "11h59m");
    EXPECT_EQ(to_text(30s), "30s");
    EXPECT_EQ(to_text(24h), "1d");
    EXPECT_EQ(to_text(24h + 5min), "1d");
    EXPECT_EQ(to_text(250ms), "250ms");
    EXPECT_EQ(to_text(std::chrono::nanoseconds(0)), "0s");
}

TEST(LatencyText, ShowsWhatIsOverInAMoment) {
    EXPECT_EQ(latency_to_text(480ns), "0 µs");
    EXPECT_EQ(latency_to_text(19'300ns), "19 µs");
    EXPECT_EQ(latency_to_text(1'440us), "1.4 ms");
    EXPECT_EQ(latency_to_text(230ms), "230 ms");
    EXPECT_EQ(latency_to_text(1500ms), "1s500ms");
}

TEST(SizeText, ParsesBinaryUnits) {
    EXPECT_EQ(parse_size("16MiB"), std::size_t{16} << 20);
    EXPECT_EQ(parse_size("4096"), 4096U);
    EXPECT_EQ(parse_size("1GiB"), std::size_t{1} << 30);
    for (const char* text : {"", "16MB", "MiB", "-1", "99999999999GiB"}) {
        EXPECT_FALSE(parse_size(text)) << text;
    }
}

TEST(CountText, OneIsSingular) {
    EXPECT_EQ(counted(1, "source"), "1 source");
    EXPECT_EQ(counted(0, "ban"), "0 bans");
    EXPECT_EQ(counted(100'000, "packet"), "100000 packets");
}

TEST(SizeText, ShowsBinaryUnits) {
    EXPECT_EQ(size_to_text(300), "300 B");
    EXPECT_EQ(size_to_text(1536), "1.5 KiB");
    EXPECT_EQ(size_to_text(std::size_t{16} << 20), "16 MiB");
}

TEST(TimeText, MachinesGetUtcWithMilliseconds) {
    const std::chrono::system_clock::time_point time{std::chrono::milliseconds(1'000'000'000'123)};
    EXPECT_EQ(to_rfc3339(time), "2001-09-09T01:46:40.123Z");
}

TEST(StreamText, IsAllOfItOrAnError) {
    std::istringstream empty;
    EXPECT_EQ(rest_of(empty), "");
    const std::string long_text(10'000, 'x');
    std::istringstream stream("first line\n" + long_text + std::string(1, '\0') + "end");
    std::string line;
    std::getline(stream, line);
    EXPECT_EQ(rest_of(stream), long_text + std::string(1, '\0') + "end");
    std::ifstream directory(testing::TempDir());
    EXPECT_EQ(rest_of(directory), std::unexpected(EISDIR));
}

TEST(Suggestion, FindsTheLikelySlipAndNothingElse) {
    constexpr std::array<std::string_view, 3> kWords{"window", "threshold", "memory"};
    EXPECT_EQ(nearest("windw", kWords), "window");
    EXPECT_EQ(nearest("treshold", kWords), "threshold");
    EXPECT_EQ(nearest("memroy", kWords), "memory");
    EXPECT_EQ(nearest("colour", kWords), std::nullopt);
}

}  // namespace
}  // namespace farewell::report
