// SPDX-License-Identifier: MIT
#include "nfq/outgoing.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "nfq/test_messages.hpp"

namespace farewell::nfq {
namespace {

using Bytes = std::vector<std::byte>;

/// Sends of at most `limit` bytes, until nothing is left.
std::vector<std::vector<Said>> send_all_of(Outgoing& outgoing, std::size_t limit) {
    std::vector<std::vector<Said>> sends;
    while (!outgoing.empty()) {
        const Outgoing::Front front = outgoing.front(limit);
        Bytes sent;
        for (const auto part : front.parts) {
            sent.insert(sent.end(), part.begin(), part.end());
        }
        EXPECT_EQ(sent.size(), front.bytes);
        sends.push_back(said_in(sent));
        outgoing.discard_front();
    }
    return sends;
}

constexpr Verdict kAccept = Verdict::accept();

TEST(Outgoing, CutsOnlyBetweenMessages) {
    for (const std::size_t limit : {0U, 31U, 32U, 63U, 64U, 96U}) {
        Outgoing outgoing;
        for (std::uint32_t id = 1; id <= 3; ++id) {
            outgoing.verdict_for(0, id, kAccept);  // 32 bytes each
        }
        const auto sends = send_all_of(outgoing, limit);
        EXPECT_EQ(sends.size(), limit < 64   ? 3U
                                : limit < 96 ? 2U
                                             : 1U)
            << "at least one goes, or nothing ever would";
    }
}

TEST(Outgoing, PayloadsGoWithTheirMessagesWhereverItIsCut) {
    for (std::size_t size = 0; size < 9; ++size) {
        const Bytes first(size, std::byte{1});
        const Bytes second(size + 1, std::byte{2});
        for (const bool kept : {false, true}) {
            for (const std::size_t limit : {0U, 40U, 80U, 1000U}) {
                Outgoing outgoing;
                outgoing.verdict_for(0, 1, kAccept);
                outgoing.verdict_for(0, 2, kAccept, first);
                outgoing.verdict_for(0, 3, kAccept, second);
                outgoing.verdict_up_to(0, 4, kAccept);
                if (kept) {
                    outgoing.keep();
                }
                std::vector<Said> all;
                for (const auto& send : send_all_of(outgoing, limit)) {
                    all.insert(all.end(), send.begin(), send.end());
                }
                EXPECT_EQ(all, (std::vector<Said>{{kSingle, 1, 1},
                                                  {kSingle, 1, 2, {}, first},
                                                  {kSingle, 1, 3, {}, second},
                                                  {kBatch, 1, 4}}))
                    << size << " bytes, limit " << limit;
            }
        }
    }
}

TEST(Outgoing, OneSendHasNoMorePartsThanASocketTakes) {
    const Bytes payload(5, std::byte{7});
    Outgoing outgoing;
    for (std::uint32_t id = 1; id <= 1000; ++id) {
        outgoing.verdict_for(0, id, kAccept, payload);
    }
    std::size_t messages = 0;
    while (!outgoing.empty()) {
        const Outgoing::Front front = outgoing.front(~std::size_t{0});
        ASSERT_LE(front.parts.size(), Outgoing::kPartsMax);
        messages += front.bytes / 44;
        outgoing.discard_front();
    }
    EXPECT_EQ(messages, 1000U);
}

}  // namespace
}  // namespace farewell::nfq
