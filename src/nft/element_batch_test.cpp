// SPDX-License-Identifier: GPL-2.0-or-later
// The bytes of every transaction, with the nft command that means the same.
#include "nft/element_batch.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "nft/ruleset.hpp"
#include "nft/table_name.hpp"

namespace farewell::nft {
namespace {

using namespace std::chrono_literals;

Element ipv4(unsigned last, std::chrono::milliseconds timeout) {
    Element element{.key = {}, .key_bytes = 4, .timeout = timeout};
    const std::array<unsigned, 4> bytes{198, 18, 0, last};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        element.key.at(i) = static_cast<std::byte>(bytes.at(i));
    }
    return element;
}

std::string hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        std::array<char, 4> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x ", std::to_integer<unsigned>(byte));
        text += digits.data();
    }
    return text;
}

// Parts of the expected bytes.
const std::string kBegin =
    "14 00 00 00 10 00 01 00 07 00 00 00 00 00 00 00 "  // 20 bytes, NFNL_MSG_BATCH_BEGIN, REQUEST, sequence 7
    "00 00 00 0a ";                                     // for nf_tables
const std::string kEnd =
    "14 00 00 00 11 00 01 00 09 00 00 00 00 00 00 00 00 00 00 0a ";  // NFNL_MSG_BATCH_END, sequence 9
const std::string kNames =
    "01 00 00 00 "               // inet
    "06 00 02 00 73 00 00 00 "   // NFTA_SET_ELEM_LIST_SET "s"
    "06 00 01 00 74 00 00 00 ";  // NFTA_SET_ELEM_LIST_TABLE "t"

// nft create element inet t s { 198.18.0.1 timeout 1s }
TEST(ElementBatch, CreateElement) {
    ElementBatch batch(7);
    const std::array elements{ipv4(1, 1s)};
    batch.add({.table = "t", .set = "s"}, elements, ElementBatch::IfThere::fail);
    EXPECT_EQ(
        hex(batch.finish()),
        kBegin +
            "44 00 00 00 0c 0a 05 06 08 00 00 00 00 00 00 00 " +  // NEWSETELEM, REQUEST ACK CREATE EXCL, 8
            kNames +
            "20 00 03 80 1c 00 01 80 "                // the list of elements, the first
            "0c 00 04 00 00 00 00 00 00 00 03 e8 "    // its timeout in milliseconds
            "0c 00 01 80 08 00 01 00 c6 12 00 01 " +  // its key
            kEnd);
    EXPECT_EQ(batch.first_sequence(), 7U);
    EXPECT_EQ(batch.last_sequence(), 8U);
}

// nft delete element inet t s { 198.18.0.1 }
TEST(ElementBatch, DeleteElement) {
    ElementBatch batch(7);
    const std::array elements{ipv4(1, 0s)};
    batch.remove({.table = "t", .set = "s"}, elements);
    EXPECT_EQ(hex(batch.finish()),
              kBegin + "38 00 00 00 0e 0a 05 00 08 00 00 00 00 00 00 00 " +  // DELSETELEM, REQUEST ACK
                  kNames + "14 00 03 80 10 00 01 80 0c 00 01 80 08 00 01 00 c6 12 00 01 " + kEnd);
}

// nft flush set inet t s
TEST(ElementBatch, FlushSet) {
    ElementBatch batch(7);
    batch.flush({.table = "t", .set = "s"});
    EXPECT_EQ(hex(batch.finish()),
              kBegin + "24 00 00 00 0e 0a 05 00 08 00 00 00 00 00 00 00 " + kNames + kEnd);
}

// nft delete table inet t
TEST(ElementBatch, DeleteTable) {
    ElementBatch batch(7);
    batch.remove_table("t");
    EXPECT_EQ(hex(batch.finish()),
              kBegin +
                  "1c 00 00 00 02 0a 05 00 08 00 00 00 00 00 00 00 "  // DELTABLE, REQUEST ACK
                  "01 00 00 00 06 00 01 00 74 00 00 00 " +
                  kEnd);
}

TEST(ElementBatch, ManyElementsBecomeManyMessagesAndTheLastIsAcknowledged) {
    ElementBatch batch(1);
    const std::vector<Element> elements(2500, ipv4(1, 1h));
    batch.add({.table = "t", .set = "s"}, elements, ElementBatch::IfThere::keep);
    const auto bytes = batch.finish();
    EXPECT_EQ(batch.last_sequence(), 4U) << "begin, three messages";
    std::size_t acknowledged = 0;
    std::size_t messages = 0;
    for (std::size_t at = 0; at < bytes.size();) {
        const auto octet = [&](std::size_t offset) {
            return std::to_integer<std::size_t>(bytes[at + offset]);
        };
        const std::size_t length = octet(0) | octet(1) << 8U | octet(2) << 16U;
        ASSERT_GE(length, 16U);
        acknowledged += (octet(6) & 4U) != 0 ? octet(8) : 0;
        ++messages;
        at += (length + 3) & ~std::size_t{3};
    }
    EXPECT_EQ(messages, 5U);
    EXPECT_EQ(acknowledged, 4U) << "the sequence number of the only one";
}

TEST(Ruleset, TheTableIsAsTheManualSays) {
    const std::string text =
        build_text("port_scanners_auto_ban", {{.ipv6 = false, .soft = false, .prefix_length = 32},
                                              {.ipv6 = false, .soft = false, .prefix_length = 16},
                                              {.ipv6 = false, .soft = true, .prefix_length = 32},
                                              {.ipv6 = true, .soft = false, .prefix_length = 128},
                                              {.ipv6 = true, .soft = false, .prefix_length = 56},
                                              {.ipv6 = true, .soft = false, .prefix_length = 64}});
    for (const std::string_view part :
         {"add table inet port_scanners_auto_ban",
          "type filter hook prerouting priority -450; policy accept;",
          "banned4 { type ipv4_addr; size 1048576; flags timeout; }", "drop_banned4 ip saddr @allow4 accept",
          "from_ipv6 ip6 saddr @banned6 counter goto drop_banned6",
          "banned6_64 { type ipv6_addr; size 1048576; flags timeout; }",
          "from_ipv4 ip saddr & 255.255.0.0 @banned4_16 counter goto drop_banned4_16",
          "from_ipv6 ip6 saddr & ffff:ffff:ffff:ff00:: @banned6_56 counter goto drop_banned6_56",
          "new_from_ipv4 ip saddr @soft4 counter goto drop_soft4"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part;
    }
    EXPECT_LT(text.find("from_ipv4 ip saddr @banned4 counter"),
              text.find("from_ipv4 tcp flags & (fin|syn|rst|ack) == syn"))
        << "who leaves for the soft sets has passed the others";
    EXPECT_NE(build_text("x", {}).find("delete chain inet x after_conntrack\n"), std::string::npos);
    for (const char* set : {"banned4", "banned4_16", "soft4", "banned6", "banned6_56", "banned6_64"}) {
        const std::string chain = std::string(" drop_") + set + " ";
        const bool ipv6 = std::string_view(set).find('6') == std::string_view(set).find_first_of("46");
        const std::size_t allowed =
            text.find(chain + (ipv6 ? "ip6 saddr @allow6 accept" : "ip saddr @allow4 accept"));
        const std::size_t counted = text.find(chain + "update @" + set + "_drops");
        EXPECT_LT(allowed, counted) << set;
        EXPECT_LT(counted, text.find(chain + "drop\n")) << set;
    }
}

TEST(TableName, TakesIdentifiersOnly) {
    for (const std::string_view name : {"port_scanners_auto_ban", "t", "T9", "_x"}) {
        EXPECT_TRUE(is_valid_table_name(name)) << name;
    }
    for (const std::string_view name : {"", "9t", "a-b", "a b", "a;b", "a{", "ä"}) {
        EXPECT_FALSE(is_valid_table_name(name)) << name;
    }
    EXPECT_FALSE(is_valid_table_name(std::string(256, 'a')));
}

}  // namespace
}  // namespace farewell::nft
