package taskevent_test

import _ "pgregory.net/rapid" // for its flags
