package hubtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// HubAudience is the audience that a token must have, with or without slashes at its end. azeventhubs asks for the
// scope https://eventhubs.azure.net//.default (its sbauth/token_provider.go).
const HubAudience = "https://eventhubs.azure.net"

// jwtIssuer begins like the issuers of Microsoft Entra ID, because Azurite checks that.
const jwtIssuer = "https://sts.windows.net/hubtest/"

// SignToken makes a token like those of Microsoft Entra ID, for one audience. It signs the token with a shared key.
// Real ones are signed with a key that only Microsoft has.
func SignToken(key []byte, audience string, from, until time.Time) (string, error) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"aud": audience, "iss": jwtIssuer, "iat": from.Unix(), "nbf": from.Unix(), "exp": until.Unix(),
	}).SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return token, nil
}

// verifyJWT checks a token, and returns when it expires. Its error begins with the service's name for it, as far as
// that is known.
func verifyJWT(token string, key []byte, now func() time.Time) (time.Time, error) {
	if len(key) == 0 {
		return time.Time{}, fmt.Errorf("%w: InvalidIssuer: Token issuer is invalid", errToken)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithTimeFunc(now), jwt.WithExpirationRequired())
	parsed, err := parser.Parse(token, func(*jwt.Token) (any, error) { return key, nil })
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", errToken, err) // it holds none of the token
	}
	audience, err := parsed.Claims.GetAudience()
	if err != nil || len(audience) != 1 || strings.TrimRight(audience[0], "/") != HubAudience {
		return time.Time{}, fmt.Errorf("%w: InvalidAudience: Invalid authorization token audience", errToken)
	}
	expiry, err := parsed.Claims.GetExpirationTime()
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", errToken, err)
	}
	return expiry.Time, nil
}
