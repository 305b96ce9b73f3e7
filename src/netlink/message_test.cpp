// SPDX-License-Identifier: MIT
#include "netlink/message.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace farewell::netlink {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
    std::vector<std::byte> result;
    for (const int value : values) {
        result.push_back(static_cast<std::byte>(value));
    }
    return result;
}

MessageWriter one_message() {
    MessageWriter writer;
    writer.begin(0x0302, 5, 7);
    writer.put_u8(0);
    writer.put_u8(0);
    writer.put_be16(3);
    writer.attribute_be32(3, 1024);
    writer.attribute(1, bytes({0xaa}));
    writer.end();
    return writer;
}

TEST(MessageWriter, WritesHeaderAttributesAndPadding) {
    const auto expected = bytes({
        36, 0, 0, 0, 0x02, 0x03, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0,  // header
        0,  0, 0, 3,                                            // family, version, queue 3
        8,  0, 3, 0, 0,    0,    4, 0,                          // a number
        5,  0, 1, 0, 0xaa, 0,    0, 0,                          // one byte, padded
    });
    EXPECT_TRUE(std::ranges::equal(one_message().bytes(), expected));
}

TEST(MessageReader, ReadsBackWhatWasWritten) {
    const MessageWriter writer = one_message();
    MessageReader reader(writer.bytes());
    const auto message = reader.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->type, 0x0302);
    EXPECT_EQ(message->flags, 5);
    EXPECT_EQ(message->sequence, 7U);
    EXPECT_FALSE(message->truncated);
    AttributeReader attributes(message->body.subspan(4));
    const auto number = attributes.next();
    ASSERT_TRUE(number);
    EXPECT_EQ(number->type, 3);
    EXPECT_EQ(read_be32(number->value), 1024U);
    const auto byte = attributes.next();
    ASSERT_TRUE(byte);
    EXPECT_EQ(byte->value.size(), 1U);
    EXPECT_FALSE(attributes.next());
    EXPECT_FALSE(attributes.is_malformed());
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.is_malformed());
}

TEST(MessageReader, NeverReadsPastAnyTruncation) {
    const MessageWriter writer = one_message();
    for (std::size_t length = 0; length < writer.bytes().size(); ++length) {
        const std::vector<std::byte> part(writer.bytes().begin(),
                                          writer.bytes().begin() + static_cast<std::ptrdiff_t>(length));
        MessageReader reader(part);
        const auto message = reader.next();
        EXPECT_EQ(message.has_value(), length >= kHeaderBytes) << length;
        if (message) {
            EXPECT_TRUE(message->truncated) << length;
            AttributeReader attributes(message->body.subspan(std::min<std::size_t>(4, message->body.size())));
            while (const auto attribute = attributes.next()) {
                EXPECT_LE(attribute->value.size(), attribute->full_length);
            }
        } else {
            EXPECT_EQ(reader.is_malformed(), length > 0) << length;
        }
    }
}

TEST(AttributeReader, StopsAtALengthThatCannotBe) {
    const auto broken = bytes({3, 0, 1, 0, 8, 0, 1, 0, 1, 2, 3, 4});
    AttributeReader reader(broken);
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.is_malformed());
}

TEST(AttributeReader, GivesWhatIsThereOfACutOffLastOne) {
    const auto cut = bytes({12, 0, 10, 0, 1, 2, 3, 4});
    AttributeReader reader(cut);
    const auto attribute = reader.next();
    ASSERT_TRUE(attribute);
    EXPECT_EQ(attribute->value.size(), 4U);
    EXPECT_EQ(attribute->full_length, 8U);
    EXPECT_TRUE(reader.is_malformed());
}

TEST(ReadNumbers, TooFewBytesAreZero) {
    EXPECT_EQ(read_be32(bytes({1, 2, 3})), 0U);
    EXPECT_EQ(read_be16(bytes({1})), 0U);
    EXPECT_EQ(read_be16(bytes({1, 2})), 0x0102);
}

}  // namespace
}  // namespace farewell::netlink
