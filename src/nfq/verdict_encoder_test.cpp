// SPDX-License-Identifier: MIT
#include "nfq/verdict_encoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "nfq/test_messages.hpp"

namespace farewell::nfq {
namespace {

std::vector<Packet> packets_from(std::uint32_t first, std::size_t count) {
    std::vector<Packet> packets(count);
    for (std::size_t i = 0; i < count; ++i) {
        packets[i].id = first + static_cast<std::uint32_t>(i);
    }
    return packets;
}

std::vector<Said> encode_decisions(const std::vector<Packet>& packets, const Decisions& decisions) {
    Outgoing outgoing;
    const std::size_t messages = append_verdicts(outgoing, 0, packets, decisions);
    std::vector<std::byte> sent;
    for (const auto part : outgoing.front(~std::size_t{0}).parts) {
        sent.insert(sent.end(), part.begin(), part.end());
    }
    auto said = said_in(sent);
    EXPECT_EQ(said.size(), messages);
    return said;
}
std::vector<Said> encode(const std::vector<Packet>& packets, const std::vector<Verdict>& verdicts) {
    return encode_decisions(packets, {.verdicts = verdicts});
}

constexpr Verdict kDrop = Verdict::drop();
constexpr Verdict kAccept = Verdict::accept();

TEST(VerdictEncoder, EqualVerdictsAreOneMessage) {
    EXPECT_EQ(encode(packets_from(5, 64), std::vector<Verdict>(64, kDrop)),
              (std::vector<Said>{{kBatch, 0, 68, {}}}));
    EXPECT_EQ(encode_decisions(packets_from(5, 64), {.of_all = kAccept}),
              (std::vector<Said>{{kBatch, 1, 68}}));
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
    const std::vector<Verdict> verdicts{kDrop, kDrop, kAccept};
    EXPECT_EQ(encode_decisions(packets, {.verdicts = verdicts, .one_by_one = true}),
              (std::vector<Said>{{kSingle, 0, 1, {}}, {kSingle, 0, 3, {}}, {kSingle, 1, 2, {}}}));
}

TEST(VerdictEncoder, NoPacketThatGoesOnOvertakesAnother) {
    EXPECT_EQ(encode(packets_from(1, 3), {kAccept, kAccept.with_mark(7), kAccept}),
              (std::vector<Said>{{kBatch, 1, 1}, {kBatch, 1, 2, 7}, {kBatch, 1, 3}}));
    EXPECT_EQ(encode(packets_from(1, 3), {kAccept, kDrop, kAccept}),
              (std::vector<Said>{{kSingle, 0, 2}, {kBatch, 1, 3}}));
}

TEST(VerdictEncoder, NothingIsBatchedBehindAHeldPacket) {
    const std::vector<Verdict> verdicts(5, kDrop);
    EXPECT_EQ(encode_decisions(packets_from(1, 5), {.verdicts = verdicts, .held = 0b00100}),
              (std::vector<Said>{{kBatch, 0, 2}, {kSingle, 0, 4}, {kSingle, 0, 5}}));
    EXPECT_EQ(encode_decisions(packets_from(1, 2), {.verdicts = verdicts, .one_by_one = true}),
              (std::vector<Said>{{kSingle, 0, 1}, {kSingle, 0, 2}}));
}

TEST(VerdictEncoder, AMangledPacketIsASingleWithItsPayload) {
    const std::vector<Verdict> verdicts(3, kAccept);
    const std::vector<std::byte> payload{std::byte{1}, std::byte{2}, std::byte{3}};
    const std::vector<std::span<const std::byte>> payloads{{}, payload, {}};
    EXPECT_EQ(
        encode_decisions(packets_from(1, 3), {.verdicts = verdicts, .mangled = 0b010, .payloads = payloads}),
        (std::vector<Said>{{kBatch, 1, 1}, {kSingle, 1, 2, {}, payload}, {kBatch, 1, 3}}));
}

/// What the kernel does with the messages: an id's verdict is given once, a batch takes all up to its id.
std::map<std::uint32_t, Said> obey(const std::vector<Packet>& packets, const std::vector<Said>& said,
                                   std::uint64_t held, bool one_held_before) {
    std::vector<std::uint32_t> waiting;
    std::size_t expected = static_cast<std::size_t>(
        std::popcount(packets.size() < 64 ? held & ((std::uint64_t{1} << packets.size()) - 1) : held));
    for (const Packet& packet : packets) {
        waiting.push_back(packet.id);
    }
    if (one_held_before) {
        waiting.insert(waiting.begin(), packets.empty() ? 0 : packets.front().id - 1000);
        ++expected;
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
    EXPECT_EQ(waiting.size(), expected);
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
        // Some rounds hold some packets, and some have one that was held before, which no message may name.
        const std::uint64_t held = round % 5 == 0 ? random() & random() & random() : 0;
        const bool one_by_one = round % 11 == 0 || round % 7 == 0;  // the shuffled ones
        const auto said =
            encode_decisions(packets, {.verdicts = verdicts, .held = held, .one_by_one = one_by_one});
        const auto given = obey(packets, said, held, one_by_one);
        for (std::size_t i = 0; i < packets.size(); ++i) {
            if ((held >> i & 1U) != 0) {
                ASSERT_FALSE(given.contains(packets[i].id)) << "round " << round;
                continue;
            }
            ASSERT_EQ(given.at(packets[i].id).code, verdicts[i].code()) << "round " << round;
            ASSERT_EQ(given.at(packets[i].id).mark, verdicts[i].mark()) << "round " << round;
        }
        if (round % 7 != 0 && held == 0 && !one_by_one) {
            EXPECT_LE(said.size(), runs) << "round " << round;
        }
    }
}

}  // namespace
}  // namespace farewell::nfq
