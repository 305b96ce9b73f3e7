// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/change_messages.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cstdint>
#include <string>

namespace farewell::nft {
namespace {

/// A message of nf_tables in the making.
class Message {
 public:
    explicit Message(std::uint8_t type, std::uint8_t family = NFPROTO_INET)
        : header_(mnl_nlmsg_put_header(bytes_.data())) {
        header_->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | type);
        auto* about = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(nfgenmsg)));
        about->nfgen_family = family;
    }
    Message& text(std::uint16_t attribute, const std::string& value) {
        mnl_attr_put_strz(header_, attribute, value.c_str());
        return *this;
    }
    Message& number(std::uint16_t attribute, std::uint32_t value) {
        mnl_attr_put_u32(header_, attribute, htonl(value));
        return *this;
    }
    [[nodiscard]] const nlmsghdr& operator*() const { return *header_; }
    nlmsghdr& header() { return *header_; }

 private:
    alignas(nlmsghdr) std::array<char, 512> bytes_{};
    nlmsghdr* header_;
};

Message generation(std::uint32_t process = 4711, const std::string& program = "nft") {
    Message message(NFT_MSG_NEWGEN, NFPROTO_UNSPEC);
    message.number(NFTA_GEN_ID, 7).number(NFTA_GEN_PROC_PID, process).text(NFTA_GEN_PROC_NAME, program);
    return message;
}

TEST(ChangeReader, ATransactionIsToldAtItsEndWithWhoMadeIt) {
    ChangeReader reader("ours");
    EXPECT_FALSE(reader.on_message(*Message(NFT_MSG_DELSETELEM).text(NFTA_SET_ELEM_LIST_TABLE, "ours")));
    EXPECT_FALSE(reader.on_message(*Message(NFT_MSG_NEWRULE).text(NFTA_RULE_TABLE, "theirs")));
    const auto change = reader.on_message(*generation());
    ASSERT_TRUE(change);
    EXPECT_EQ(change->process, 4711U);
    EXPECT_EQ(change->program, "nft");
    EXPECT_FALSE(reader.on_message(*generation())) << "told once";
}

TEST(ChangeReader, OtherTablesAreNoNews) {
    ChangeReader reader("ours");
    EXPECT_FALSE(reader.on_message(*Message(NFT_MSG_DELTABLE).text(NFTA_TABLE_NAME, "ours2")));
    EXPECT_FALSE(reader.on_message(*Message(NFT_MSG_DELTABLE).text(NFTA_TABLE_NAME, "our")));
    EXPECT_FALSE(reader.on_message(*Message(NFT_MSG_DELTABLE, NFPROTO_IPV4).text(NFTA_TABLE_NAME, "ours")));
    EXPECT_FALSE(reader.on_message(*generation()));
}

TEST(ChangeReader, EverythingThatATableHoldsCounts) {
    for (const std::uint8_t type :
         {NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFT_MSG_NEWRULE,
          NFT_MSG_DELRULE, NFT_MSG_NEWSET, NFT_MSG_DELSET, NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM}) {
        ChangeReader reader("ours");
        EXPECT_FALSE(reader.on_message(*Message(type).text(NFTA_TABLE_NAME, "ours")));
        EXPECT_TRUE(reader.on_message(*generation())) << unsigned{type};
    }
}

TEST(ChangeReader, WhatIsLostMayHaveBeenOurs) {
    ChangeReader reader("ours");
    reader.on_loss();
    EXPECT_TRUE(reader.on_message(*generation()));
}

TEST(ChangeReader, OldKernelsDoNotTellWho) {
    ChangeReader reader("ours");
    EXPECT_FALSE(reader.on_message(*Message(NFT_MSG_DELTABLE).text(NFTA_TABLE_NAME, "ours")));
    const auto change = reader.on_message(*Message(NFT_MSG_NEWGEN, NFPROTO_UNSPEC).number(NFTA_GEN_ID, 7));
    ASSERT_TRUE(change);
    EXPECT_EQ(change->process, 0U);
    EXPECT_TRUE(change->program.empty());
}

TEST(ChangeReader, BrokenMessagesSayNothing) {
    ChangeReader reader("ours");
    Message other(NFT_MSG_DELTABLE);
    other.text(NFTA_TABLE_NAME, "ours").header().nlmsg_type = NFNL_SUBSYS_QUEUE << 8U | NFT_MSG_DELTABLE;
    EXPECT_FALSE(reader.on_message(*other)) << "of another subsystem";
    Message headless(NFT_MSG_DELTABLE);
    headless.header().nlmsg_len = sizeof(nlmsghdr) + 1;
    EXPECT_FALSE(reader.on_message(*headless));
    Message open_ended(NFT_MSG_DELTABLE);
    open_ended.text(NFTA_TABLE_NAME, "ours").header().nlmsg_len -=
        4;  // the attribute is longer than the message
    EXPECT_FALSE(reader.on_message(*open_ended));
    EXPECT_FALSE(reader.on_message(*generation()));
}

}  // namespace
}  // namespace farewell::nft
