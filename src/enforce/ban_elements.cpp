// SPDX-License-Identifier: GPL-2.0-or-later
#include "enforce/ban_elements.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace farewell::enforce {

using core::Family;
using nft::BannedSet;
using nft::Element;
using nft::SetElements;

BannedSet set_of(const core::Prefix& prefix, bool soft) {
    return {.ipv6 = prefix.address.family() == Family::ipv6, .soft = soft, .prefix_length = prefix.length};
}

std::vector<SetElements::Group> groups_of(Elements elements, std::string (*name)(const BannedSet&)) {
    std::vector<SetElements::Group> groups;
    groups.reserve(elements.size());
    for (auto& [set, of_set] : elements) {
        groups.push_back({.set = name(set), .elements = std::move(of_set)});
    }
    return groups;
}

Element element_of(const core::Prefix& prefix) {
    const core::Address first = prefix.address.masked(prefix.length);
    Element element;
    element.key_bytes = static_cast<std::uint8_t>(first.bytes().size());
    std::ranges::copy(first.bytes(), element.key.begin());
    return element;
}

core::Address address_of(const Element& element) {
    if (element.key_bytes == 4) {
        return core::Address::ipv4(std::span(element.key).first<4>());
    }
    return core::Address::ipv6(element.key);
}

std::string text_of(const core::Prefix& prefix) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = prefix.address.family() == Family::ipv4 ? AF_INET : AF_INET6;
    if (inet_ntop(family, prefix.address.bytes().data(), text.data(), text.size()) == nullptr) {
        return "?";
    }
    return prefix.is_address() ? text.data() : fmt::format("{}/{}", text.data(), prefix.length);
}

std::vector<std::string> without_overlaps(std::span<const core::Prefix> networks, Family family) {
    std::vector<core::Prefix> kept;
    std::vector<core::Prefix> widest_first(networks.begin(), networks.end());
    std::ranges::sort(widest_first, {}, &core::Prefix::length);
    for (const core::Prefix& network : widest_first) {
        const bool covered = std::ranges::any_of(
            kept, [&network](const core::Prefix& wider) { return wider.contains(network.address); });
        if (network.address.family() == family && !covered) {
            kept.push_back(network);
        }
    }
    std::vector<std::string> texts;
    texts.reserve(kept.size());
    for (const core::Prefix& network : kept) {
        texts.push_back(text_of(core::Prefix::of(network.address, network.length)));
    }
    return texts;
}

std::string names_of(std::span<const SetElements::Group> groups) {
    if (const std::size_t count = SetElements::count(groups); count != 1) {
        return fmt::format("{} elements", count);
    }
    const SetElements::Group& group = groups.front();
    const auto set = nft::banned_set_of(group.set);
    const core::Prefix first{.address = address_of(group.elements.front()),
                             .length = set ? set->prefix_length : std::uint8_t{0}};
    return fmt::format("{} to set {}", text_of(first), group.set);
}

}  // namespace farewell::enforce
