// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/keys.hpp"

#include <optional>

namespace farewell::cli::watch {
namespace {

constexpr char kEscape = 27;

/// Takes the rest of a sequence, "[A" or "OA" or "[1;5A", off the front.
std::optional<Key> take_sequence(std::string_view& bytes) {
    bytes.remove_prefix(1);
    while (!bytes.empty() && (bytes.front() < '@' || bytes.front() > '~')) {
        bytes.remove_prefix(1);
    }
    if (bytes.empty()) {
        return std::nullopt;
    }
    const char last = bytes.front();
    bytes.remove_prefix(1);
    switch (last) {
        case 'A':
            return Key{.kind = Key::Kind::up};
        case 'B':
            return Key{.kind = Key::Kind::down};
        case 'C':
            return Key{.kind = Key::Kind::right};
        case 'D':
            return Key{.kind = Key::Kind::left};
        default:
            return std::nullopt;
    }
}

std::optional<Key> key_of(char byte) {
    switch (byte) {
        case '\r':
        case '\n':
            return Key{.kind = Key::Kind::enter};
        case '\t':
            return Key{.kind = Key::Kind::tab};
        case kEscape:
            return Key{.kind = Key::Kind::escape};
        case 8:
        case 127:
            return Key{.kind = Key::Kind::backspace};
        case 3:  // Ctrl-C
            return Key{.kind = Key::Kind::interrupt};
        case 26:  // Ctrl-Z
            return Key{.kind = Key::Kind::suspend};
        default:
            return byte >= ' ' && byte <= '~' ? std::optional(Key{.character = byte}) : std::nullopt;
    }
}

}  // namespace

std::vector<Key> keys_of(std::string_view bytes) {
    std::vector<Key> keys;
    while (!bytes.empty()) {
        const char byte = bytes.front();
        bytes.remove_prefix(1);
        const bool is_sequence =
            byte == kEscape && !bytes.empty() && (bytes.front() == '[' || bytes.front() == 'O');
        if (const auto key = is_sequence ? take_sequence(bytes) : key_of(byte)) {
            keys.push_back(*key);
        }
    }
    return keys;
}

}  // namespace farewell::cli::watch
