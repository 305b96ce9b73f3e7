// SPDX-License-Identifier: MIT
#include "nfq/verdict_encoder.hpp"

#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <vector>

namespace farewell::nfq {
namespace {

constexpr std::uint16_t kSingle = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT;
constexpr std::uint16_t kBatch = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT_BATCH;

struct Said {
    std::uint16_t type = 0;
    std::uint32_t code = 0;
    std::uint32_t id = 0;
    std::optional<std::uint32_t> mark;
    friend bool operator==(const Said&, const Said&) = default;
};

std::vector<Said> read_back(const netlink::MessageWriter& writer) {
    std::vector<Said> said;
    netlink::MessageReader reader(writer.bytes());
    while (const auto message = reader.next()) {
        Said one{.type = message->type, .code = 0, .id = 0, .mark = {}};
        netlink::AttributeReader attributes(message->body.subspan(4));
        while (const auto attribute = attributes.next()) {
            if (attribute->type == NFQA_VERDICT_HDR) {
                one.code = netlink::read_be32(attribute->value);
                one.id = netlink::read_be32(attribute->value.subspan(4));
            } else if (attribute->type == NFQA_MARK) {
                one.mark = netlink::read_be32(attribute->value);
            }
        }
        said.push_back(one);
    }
    return said;
}

std::vector<Packet> packets_from(std::uint32_t first, std::size_t count) {
    std::vector<Packet> packets(count);
    for (std::size_t i = 0; i < count; ++i) {
        packets[i].id = first + static_cast<std::uint32_t>(i);
    }
    return packets;
}

std::vector<Said> encode(const std::vector<Packet>& packets, const std::vector<Verdict>& verdicts) {
    netlink::MessageWriter writer;
    const std::size_t messages = append_verdicts(writer, 0, packets, verdicts);
    auto said = read_back(writer);
    EXPECT_EQ(said.size(), messages);
    return said;
}

constexpr Verdict kDrop = Verdict::drop();
constexpr Verdict kAccept = Verdict::accept();

TEST(VerdictEncoder, EqualVerdictsAreOneMessage) {
    EXPECT_EQ(encode(packets_from(5, 64), std::vector<Verdict>(64, kDrop)),
              (std::vector<Said>{{kBatch, 0, 68, {}}}));
    EXPECT_TRUE(encode({}, {}).empty());
}

TEST(VerdictEncoder, AnExceptionGoesBeforeItsRun) {
    EXPECT_EQ(encode(packets_from(1, 5), {kDrop, kDrop, kAccept.with_mark(7), kDrop, kDrop}),
              (std::vector<Said>{{kSingle, 1, 3, 7}, {kBatch, 0, 5, {}}}));
}

TEST(VerdictEncoder, EveryOtherOneIsHalfTheSinglesAndOneBatch) {
    EXPECT_EQ(encode(packets_from(1, 5), {kDrop, kAccept, kDrop, kAccept, kDrop}),
              (std::vector<Said>{{kSingle, 1, 2, {}}, {kSingle, 1, 4, {}}, {kBatch, 0, 5, {}}}));
}

TEST(VerdictEncoder, MarksMakeVerdictsDiffer) {
    EXPECT_EQ(encode(packets_from(1, 3), {kAccept.with_mark(1), kAccept.with_mark(2), kAccept}),
              (std::vector<Said>{{kBatch, 1, 1, 1}, {kBatch, 1, 2, 2}, {kBatch, 1, 3, {}}}));
}

TEST(VerdictEncoder, IdsThatDoNotAscendAreAnsweredOneByOne) {
    std::vector<Packet> packets = packets_from(1, 3);
    std::swap(packets[1], packets[2]);
    EXPECT_EQ(encode(packets, {kDrop, kDrop, kAccept}),
              (std::vector<Said>{{kSingle, 0, 1, {}}, {kSingle, 0, 3, {}}, {kSingle, 1, 2, {}}}));
}

/// What the kernel does with the messages: an id's verdict is given once, a batch takes all up to its id.
std::map<std::uint32_t, Said> obey(const std::vector<Packet>& packets, const std::vector<Said>& said) {
    std::vector<std::uint32_t> waiting;
    for (const Packet& packet : packets) {
        waiting.push_back(packet.id);
    }
    std::map<std::uint32_t, Said> given;
    for (const Said& each : said) {
        std::erase_if(waiting, [&](std::uint32_t id) {
            const bool meant =
                each.type == kBatch ? static_cast<std::int32_t>(id - each.id) <= 0 : id == each.id;
            if (meant) {
                given.insert({id, each});
            }
            return meant;
        });
    }
    EXPECT_TRUE(waiting.empty());
    return given;
}

TEST(VerdictEncoder, AnyVerdictsInAnyOrderAreWhatTheKernelGives) {
    std::mt19937 random(20240501);  // NOLINT: a failure must come again
    const std::vector<Verdict> choices{kDrop, kAccept, kAccept.with_mark(9), Verdict::queue(3)};
    for (int round = 0; round < 2000; ++round) {
        // Some rounds wrap around the largest id, some lose packets in between, some are shuffled.
        std::vector<Packet> packets =
            packets_from(0xffffffffU - static_cast<std::uint32_t>(random() % 40), 1 + random() % 64);
        if (round % 3 == 0) {
            std::erase_if(packets, [&](const Packet&) { return random() % 5 == 0; });
        }
        if (round % 7 == 0) {
            std::ranges::shuffle(packets, random);
        }
        std::vector<Verdict> verdicts;
        std::size_t runs = 0;
        for (std::size_t i = 0; i < packets.size(); ++i) {
            verdicts.push_back(choices[random() % (1 + static_cast<unsigned>(round) % choices.size())]);
            runs += i == 0 || verdicts[i] != verdicts[i - 1] ? 1U : 0U;
        }
        const auto said = encode(packets, verdicts);
        const auto given = obey(packets, said);
        for (std::size_t i = 0; i < packets.size(); ++i) {
            ASSERT_EQ(given.at(packets[i].id).code, verdicts[i].code()) << "round " << round;
            ASSERT_EQ(given.at(packets[i].id).mark, verdicts[i].mark()) << "round " << round;
        }
        if (round % 7 != 0) {
            EXPECT_LE(said.size(), runs) << "round " << round;
        }
    }
}

}  // namespace
}  // namespace farewell::nfq
