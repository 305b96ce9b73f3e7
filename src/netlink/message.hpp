// SPDX-License-Identifier: MIT
// Netlink messages as bytes: building and reading, both pure. Nothing is cast; every length is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace farewell::netlink {

inline constexpr std::size_t kHeaderBytes = 16;     // struct nlmsghdr
inline constexpr std::size_t kAttributeHeader = 4;  // struct nlattr
constexpr std::size_t aligned(std::size_t length) {
    return (length + 3) & ~std::size_t{3};
}

// Numbers in host order as netlink has them, and in network order as netfilter's attributes do.
[[nodiscard]] std::uint16_t read_u16(std::span<const std::byte> bytes);
[[nodiscard]] std::uint32_t read_u32(std::span<const std::byte> bytes);
[[nodiscard]] std::uint16_t read_be16(std::span<const std::byte> bytes);
[[nodiscard]] std::uint32_t read_be32(std::span<const std::byte> bytes);

/// One message of a datagram: its header's fields and what follows the header.
struct Message {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    std::uint32_t sequence = 0;
    std::span<const std::byte> body;
    bool truncated = false;  // the datagram ends before the message does
};

/// Walks the messages of a datagram. Ends at the first that cannot be one.
class MessageReader {
 public:
    explicit MessageReader(std::span<const std::byte> datagram) : rest_(datagram) {}
    [[nodiscard]] std::optional<Message> next();
    /// After the end: whether bytes were left that are no message.
    [[nodiscard]] bool is_malformed() const { return malformed_; }

 private:
    std::span<const std::byte> rest_;
    bool malformed_ = false;
};

struct Attribute {
    std::uint16_t type = 0;  // without the NESTED and NET_BYTEORDER bits
    std::span<const std::byte> value;
    std::size_t full_length = 0;  // of the value; larger than value.size() where the message was truncated
};

/// Walks attributes, also those inside a nested one. A last attribute that is cut off is given with what is
/// there.
class AttributeReader {
 public:
    explicit AttributeReader(std::span<const std::byte> attributes) : rest_(attributes) {}
    [[nodiscard]] std::optional<Attribute> next();
    [[nodiscard]] bool is_malformed() const { return malformed_; }

 private:
    std::span<const std::byte> rest_;
    bool malformed_ = false;
};

/// Appends messages to a buffer that it keeps; begin() … attributes … end(). Reused without allocating.
class MessageWriter {
 public:
    void clear() { bytes_.clear(); }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    /// Takes off the front what has been sent: whole messages, outside begin() … end().
    void discard_front(std::size_t length);
    /// Messages as they are, ready to be sent.
    void append(std::span<const std::byte> messages);

    void begin(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence);
    void end() { end_without(0); }
    /// Ends a message whose last `length` bytes are elsewhere and go between what is written now and the
    /// padding that this appends. How many bytes of padding.
    std::size_t end_without(std::size_t length);

    void put_u8(std::uint8_t value) { bytes_.push_back(static_cast<std::byte>(value)); }
    void put_u32(std::uint32_t value);  // host order
    void put_be16(std::uint16_t value);
    void put_be32(std::uint32_t value);
    /// An attribute with these bytes.
    void attribute(std::uint16_t type, std::span<const std::byte> value);
    void attribute_be32(std::uint16_t type, std::uint32_t value);
    /// The head of an attribute whose value of that length is elsewhere: end_without().
    void attribute_without_value(std::uint16_t type, std::size_t length);

 private:
    void put_u16(std::uint16_t value);
    void pad();

    std::vector<std::byte> bytes_;
    std::size_t message_begin_ = 0;
};

}  // namespace farewell::netlink
