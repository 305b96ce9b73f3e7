// SPDX-License-Identifier: GPL-2.0-or-later
// From the bytes of a terminal to keys. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace farewell::cli::watch {

struct Key {
    enum class Kind : std::uint8_t {
        character,
        up,
        down,
        left,
        right,
        enter,
        tab,
        escape,
        backspace,
        interrupt,
        suspend
    };
    Kind kind = Kind::character;
    char character = 0;  ///< printable ASCII
    friend bool operator==(const Key&, const Key&) = default;
};

/// All that one read returned: a terminal sends a key's bytes at once, so an escape character that ends them
/// is the key of that name. What is unknown is left out.
[[nodiscard]] std::vector<Key> keys_of(std::string_view bytes);

}  // namespace farewell::cli::watch
