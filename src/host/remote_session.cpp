// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/remote_session.hpp"

#include "report/address_text.hpp"

namespace farewell::host {

std::optional<core::Address> parse_far_end(std::string_view text) {
    constexpr std::string_view kMapped = "::ffff:";
    text = text.substr(0, text.find('%'));  // the core knows no interfaces
    if (text.starts_with(kMapped) && text.find('.') != std::string_view::npos) {
        text.remove_prefix(kMapped.size());
    }
    return report::parse_address(text);
}

}  // namespace farewell::host
